import { z } from 'zod'

import { ForewarnError } from '#core/errors.ts'

const milliseconds = z.number().nonnegative().max(600_000)

const when = z
  .strictObject({
    actions: z.union([z.literal('all'), z.array(z.string()).min(1)]).optional(),
    to: z.string().min(1).optional(),
    every: z.int().positive().optional(),
    next: z.int().nonnegative().optional(),
    probability: z.number().min(0).max(1).optional(),
  })
  .default({})

const fault = z.discriminatedUnion('fault', [
  z.strictObject({
    fault: z.literal('latency'),
    ms: z.union([milliseconds, z.tuple([milliseconds, milliseconds])]),
    when,
  }),
  z.strictObject({ fault: z.literal('rate'), perSecond: z.number().positive().optional(), when }),
  z.strictObject({ fault: z.literal('daily-quota'), recipients: z.int().nonnegative().optional(), when }),
  z.strictObject({ fault: z.literal('reject'), message: z.string().default('Message rejected.'), when }),
  z.strictObject({ fault: z.literal('paused'), when }),
  z.strictObject({ fault: z.literal('signature-age'), maxSeconds: z.number().nonnegative().default(300), when }),
  z.strictObject({ fault: z.literal('error-500'), accepted: z.boolean().default(false), when }),
  z.strictObject({ fault: z.literal('cut'), accepted: z.boolean().default(false), when }),
  z.strictObject({ fault: z.literal('hang'), accepted: z.boolean().default(false), when }),
  z.strictObject({ fault: z.literal('empty-answer'), accepted: z.boolean().default(true), when }),
  z.strictObject({ fault: z.literal('half-answer'), accepted: z.boolean().default(true), when }),
])

/**
 * What the inbox does wrong on purpose, as a fault file, `PUT /faults` and tests write it.
 *
 * Each fault strikes the calls that fit *all* conditions of its `when`; without any, every sending call:
 * - `actions`: these actions instead of the sending ones, or `all`;
 * - `to`: calls with a recipient that fits this pattern (`*` stands for anything; case does not matter);
 * - `every`: every Nth of those; `next`: the first N of those, then never again; `probability`: by the generator seeded with `seed`.
 *
 * Of several faults that strike one call the first in the list is played; latencies add up, and come on top.
 * `accepted` says whether the message is kept before the answer goes wrong.
 */
const faultsSchema = z.strictObject({
  seed: z.int().nonnegative().default(1),
  faults: z.array(fault).default([]),
})

/** Faults as one writes them: what has a default may be left out. */
export type Faults = z.input<typeof faultsSchema>

/** Faults with every default filled in. */
export type CheckedFaults = z.output<typeof faultsSchema>

export type Fault = CheckedFaults['faults'][number]

/** Faults by what they do to a call: slow it down, refuse it as SES does, or leave its caller in doubt. */
type LatencyFault = Extract<Fault, { fault: 'latency' }>
export type SpoilingFault = Extract<Fault, { accepted: boolean }>
export type RefusingFault = Exclude<Fault, LatencyFault | SpoilingFault>

export function isSpoiling(fault: RefusingFault | SpoilingFault): fault is SpoilingFault {
  return 'accepted' in fault
}

/**
 * Checks faults that came from a file or over HTTP.
 * @throws {ForewarnError} `input-unreadable`, naming every wrong place, with `where` (a file) as its path.
 */
export function checkFaults(value: unknown, where?: string): CheckedFaults {
  const result = faultsSchema.safeParse(value ?? {})
  if (result.success) return result.data
  const problems = result.error.issues.map((issue) => `${issue.path.join('.') || 'faults'}: ${issue.message}`)
  throw new ForewarnError('input-unreadable', `These faults cannot be played: ${problems.join('; ')}`, {
    ...(where === undefined ? {} : { path: where }),
    hint: `A fault is one of ${fault.options.map((option) => option.shape.fault.value).join(', ')}.`,
  })
}
