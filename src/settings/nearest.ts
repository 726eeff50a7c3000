/** The candidate that a mistyped or shortened name most likely means; null when none is near. Case and separators do not count. */
export function nearest(name: string, candidates: Iterable<string>): string | null {
  const typed = plain(name)
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(typed.length / 3)) + 1
  for (const candidate of candidates) {
    const away = distance(typed, plain(candidate))
    if (away < bestDistance) [best, bestDistance] = [candidate, away]
  }
  return best ?? onlyLonger(typed, candidates)
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

/** The one candidate that begins with the name. */
function onlyLonger(typed: string, candidates: Iterable<string>): string | null {
  const longer = [...candidates].filter((candidate) => plain(candidate).startsWith(typed))
  return typed.length >= 2 && longer.length === 1 ? (longer[0] ?? null) : null
}

/** Letters that are missing, too many, wrong, or in the order of their neighbour (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = []
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let line = 0; line < a.length; line++) {
    const next = [line + 1]
    for (let column = 0; column < b.length; column++) {
      const replaced = (row[column] ?? 0) + (a[line] === b[column] ? 0 : 1)
      const isSwapped = line > 0 && column > 0 && a[line] === b[column - 1] && a[line - 1] === b[column]
      const swapped = isSwapped ? (before[column - 1] ?? 0) + 1 : Number.POSITIVE_INFINITY
      next.push(Math.min(replaced, swapped, (row[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    ;[before, row] = [row, next]
  }
  return row[b.length] ?? 0
}
