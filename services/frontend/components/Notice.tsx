/** A box that says how something stands. What did not work is said by `Failure`. */

import type { ReactNode } from "react";

interface Props {
  kind: "error" | "good" | "info" | "warning";
  title?: string;
  children?: ReactNode;
  /** Said at once by screen readers. */
  urgent?: boolean;
}

export function Notice({ kind, title, children, urgent = kind === "error" }: Props) {
  return (
    <div className={`notice notice-${kind}`} role={urgent ? "alert" : "status"}>
      {title && <p className="notice-title">{title}</p>}
      {children}
    </div>
  );
}
