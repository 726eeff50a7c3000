import type { Parameters } from 'fast-check'

/** A fixed seed, so that a run that failed fails again; TORTURE_SEED sets another one. */
export const seed = Number(process.env.TORTURE_SEED ?? 20_261_123)

/** So many times more runs than usual; TORTURE_TIMES sets it. */
export const times = Number(process.env.TORTURE_TIMES ?? 1)

/** Parameters for fast-check, which prints seed and path of what fails. */
export function runs<T = unknown>(usual: number): Parameters<T> {
  return { seed, numRuns: usual * times }
}
