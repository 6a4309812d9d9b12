/** A picture for events that have none: the same for the same event, drawn from its id. */

const KINDS = 6;
const LETTER_ENDS = 80;

export function Poster({ seed, title }: { seed: string; title: string }) {
  const numbers = [...seed].map((letter) => letter.charCodeAt(0));
  const hash = numbers.reduce((sum, code) => (sum * 31 + code) >>> 0, 7);
  const at = (shift: number, most: number) => (hash >>> shift) % most;
  const [x, y] = [40 + at(3, 240), 20 + at(7, 80)];
  const sun = 24 + at(11, 26);
  return (
    <svg className={`poster poster-${hash % KINDS}`} viewBox="0 0 320 140" preserveAspectRatio="xMidYMid slice" aria-hidden="true">
      <rect width="320" height="140" className="poster-ground" />
      {[0, 1, 2, 3, 4].map((ring) => (
        <circle key={ring} cx={x} cy={y} r={18 + ring * (16 + at(5, 12))} className="poster-ring" strokeWidth={3 + at(9, 5)} />
      ))}
      <circle cx={Math.max(320 - x, LETTER_ENDS + sun)} cy={140 - y} r={sun} className="poster-sun" />
      <text x="18" y="122" className="poster-letter">
        {[...title.trim()][0] ?? ""}
      </text>
    </svg>
  );
}
