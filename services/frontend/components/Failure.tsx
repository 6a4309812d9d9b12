import type { ReactNode } from "react";

import { Notice } from "./Notice";
import type { Explained } from "./problem";

/** Something did not work: what happened, what became of the money, what to do next; and with what, where there is a button. */
export function Failure({ what, money, next, children }: Explained & { children?: ReactNode }) {
  return (
    <Notice kind="error" title={what}>
      <p>{money}</p>
      <p>{next}</p>
      {children}
    </Notice>
  );
}
