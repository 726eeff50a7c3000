/** The candidate that a mistyped name most likely means; null when none is near. Case and separators do not count. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const typed = plain(name)
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const candidate of candidates) {
    const away = distance(typed, plain(candidate))
    if (away < bestDistance) [best, bestDistance] = [candidate, away]
  }
  return best
}

/** `did you mean X?`, or nothing. */
export function suggestion(name: string, candidates: Iterable<string>): string | undefined {
  const near = nearest(name, candidates)
  return near === null ? undefined : `did you mean ${near}?`
}

// Names longer than this are no typing errors; comparing them would cost more than it helps.
const comparedCharacters = 64

function plain(name: string): string {
  return name
    .slice(0, comparedCharacters)
    .toLowerCase()
    .replace(/[-_. ]/g, '')
}

/** Levenshtein's distance. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let line = 0; line < a.length; line++) {
    const next = [line + 1]
    for (let column = 0; column < b.length; column++) {
      const replaced = (row[column] ?? 0) + (a[line] === b[column] ? 0 : 1)
      next.push(Math.min(replaced, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
