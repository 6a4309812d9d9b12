/** What every form for a card is told, and what it tells. */

export interface CardProps {
  /** An order is on its way: nothing may be sent now. */
  busy: boolean;
  label: string;
  /** The card as the payment provider names it. */
  onPaymentMethod(id: string): void;
}
