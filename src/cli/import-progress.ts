import type { Clocks } from '#core/clock.ts'
import type { Instant } from '#core/instant.ts'
import type { ImportProgress } from '#pins/import.ts'
import { counted } from './output.ts'

export interface ProgressLine {
  readonly tell: (progress: ImportProgress) => void
  /** Leaves nothing of the line. */
  readonly clear: () => void
}

const betweenMs = 100
/** Before that, the speed is a guess. */
const knownAfterMs = 1_000

/** A line on a terminal that tells how far an import is, and updates itself. */
export function progressLine(terminal: NodeJS.WriteStream, clocks: Pick<Clocks, 'wall' | 'monotonicMs'>): ProgressLine {
  let shownMs = Number.NEGATIVE_INFINITY
  let phase: { readonly name: ImportProgress['phase']; readonly beganMs: number } | null = null

  function finishAt({ done, total }: ImportProgress, elapsedMs: number): Instant | null {
    if (total === null || done === 0 || elapsedMs < knownAfterMs) return null
    return clocks.wall() + (elapsedMs * Math.max(total - done, 0)) / done
  }

  return {
    tell(progress) {
      const nowMs = clocks.monotonicMs()
      if (phase?.name !== progress.phase) phase = { name: progress.phase, beganMs: nowMs }
      if (nowMs < shownMs + betweenMs) return
      shownMs = nowMs
      const text = progressText(progress, finishAt(progress, nowMs - phase.beganMs))
      // A line that wraps could not be taken back.
      terminal.write(`\r${text.slice(0, (terminal.columns || 80) - 1)}${clearToEnd}`)
    },
    clear() {
      if (shownMs > 0) terminal.write(`\r${clearToEnd}`)
    },
  }
}

const clearToEnd = '\u001b[K'

/** The text of the line. `finishAt`: when the phase will end, as a clock in the zone shows it; null: not known. */
export function progressText(progress: ImportProgress, finishAt: Instant | null, timeZone?: string): string {
  const { phase, read, rejectedTotal, done, total } = progress
  const rows = counted(read, 'row')
  const finish = finishAt === null ? [] : [`done at ${clockTime(finishAt, timeZone)}`]
  if (phase === 'removal') return [`removing: ${done} of ${counted(total ?? done, 'PIN')}`, ...finish].join(', ')
  const share = total === null ? `${(done / 1e6).toFixed(1)} MB` : `${percent(done, total)} %`
  return phase === 'ahead'
    ? [`checking before anything is replaced: ${rows} read`, share, ...finish].join(', ')
    : [`${rows} read`, `${rejectedTotal} rejected`, share, ...finish].join(', ')
}

/** 100 only when all is done. */
function percent(done: number, total: number): number {
  return total === 0 ? 100 : Math.min(100, Math.floor((done / total) * 100))
}

function clockTime(at: Instant, timeZone: string | undefined): string {
  return new Date(at).toLocaleTimeString('en-GB', timeZone === undefined ? {} : { timeZone })
}
