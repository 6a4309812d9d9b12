import type { Words } from "@/messages";

import { Failure } from "./Failure";
import { explainAway } from "./problem";

/** In place of what the ticket office would have said. */
export function Away({ words }: { words: Words }) {
  return (
    <Failure {...explainAway(words)}>
      {/* Without a path: this very page. */}
      <a className="button button-quiet" href="">
        {words.t("look.again")}
      </a>
    </Failure>
  );
}
