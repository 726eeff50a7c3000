import { z } from 'zod'
import { messageStates } from '#core/message-state.ts'
import { skipReasons } from '#core/reminder.ts'

// What scripts rely on: every member by name and type. One that is missing, misnamed or new fails here first.

const count = z.int().nonnegative()
const instant = z.iso.datetime()
const onOff = z.enum(['on', 'off'])
const key = z.string().regex(/^[a-z0-9-]+$/)
const stage = z.string().regex(/^(\d+d|expired)$/)
const counts = z.record(z.string(), count)
const skipped = z.partialRecord(z.enum(skipReasons), count)
const reference = z.string().regex(/^[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$/)
const truncated = z.literal(true).optional()

const gate = z.strictObject({ state: onOff, epoch: count, reason: z.string(), actor: z.string(), since: instant })

export const failure = z.strictObject({
  error: z.strictObject({
    code: z.string().min(1),
    message: z.string().min(1),
    path: z.string().optional(),
    hint: z.string().optional(),
  }),
})

export const pinsImport = z.strictObject({
  removed: count.optional(),
  read: count,
  accepted: count,
  rejectedTotal: count,
  rejected: z
    .array(
      z.strictObject({
        line: count,
        column: z.string().nullable(),
        value: z.string().max(100),
        reason: z.string(),
      }),
    )
    .max(1_000),
  truncated,
})

export const scanDryRun = z.strictObject({
  at: instant,
  campaigns: z.record(
    key,
    z.strictObject({
      own: onOff,
      examined: count,
      total: count,
      reminders: z
        .array(z.strictObject({ pinId: z.string(), version: z.string(), stage, dueAt: instant, to: z.string() }))
        .max(1_000),
      skipped,
    }),
  ),
  truncated,
})

export const forecast = z.strictObject({
  days: z
    .array(z.strictObject({ date: z.iso.date(), messages: z.record(key, count), over: z.record(key, count) }))
    .min(1)
    .max(366),
})

const runMembers = {
  at: instant,
  scanned: z.record(key, z.strictObject({ examined: count, planned: count })),
  messages: z.strictObject({ sent: count, failed: count, skipped: count, inDoubt: count, pending: count }),
  reminders: z.strictObject({ sent: count, failed: count, inDoubt: count, pending: count, skipped }),
  waiting: counts,
  interrupted: z.literal(true).optional(),
  durationMs: count,
}
export const run = z.strictObject(runMembers)
export const runRefused = z.strictObject({ ...runMembers, refused: z.enum(['gate', 'stale-source']) })
export const demo = z.strictObject({ ...runMembers, mails: z.string() })

export const switchStatus = z.strictObject({ gate, openAttempts: count })

export const switchOff = z.strictObject({
  gate,
  drained: z.boolean(),
  inFlight: count,
  escaped: count,
  returned: count,
  failed: count,
  inDoubt: count,
  waitingFor: z.array(z.strictObject({ worker: z.string(), pid: count, host: z.string(), since: instant })),
  held: count,
  heldByCampaign: counts,
  auditHash: z.string().regex(/^[0-9a-f]{64}$/),
})

export const switchOn = z.strictObject({
  gate,
  plan: z.strictObject({ held: count, stale: skipped, burst: count, finishAt: instant.nullable() }),
})

export const status = z.strictObject({
  gate,
  holds: z.array(z.strictObject({ cause: z.string(), since: instant, nextProbe: instant })),
  campaigns: z.array(
    z.strictObject({
      key,
      own: onOff,
      effective: onOff,
      edited: z.boolean(),
      guard: z.string().nullable(),
      pending: count,
      sending: count,
      sent: count,
      failed: count,
      skipped: count,
      inDoubt: count,
    }),
  ),
  rate: z.strictObject({ limit: z.number(), actual: z.number() }),
  finishAt: instant.nullable(),
  oldestDoubtSeconds: z.number().nullable(),
  queue: z.strictObject({ backend: z.string(), waiting: count, active: count }),
  scans: z.array(z.strictObject({ campaign: key, finishedAt: instant, examined: count, lagSeconds: count })),
})

export const explain = z.strictObject({
  subject: z.string(),
  pins: z
    .array(
      z.strictObject({
        pinId: z.string(),
        status: z.enum(['active', 'revoked', 'none']),
        setAt: instant.nullable(),
        expiresAt: instant,
      }),
    )
    .nullable(),
  events: z.array(
    z.strictObject({
      at: instant,
      what: z.string(),
      campaign: key,
      stage,
      messageId: z.string().nullable(),
      reference: reference.nullable(),
      reason: z.string().nullable(),
      pinId: z.string().nullable(),
      words: z.string(),
      until: instant.nullable(),
    }),
  ),
  truncated,
})

export const suppressChange = z.strictObject({ email: z.string(), suppressed: z.boolean(), changed: z.boolean() })

export const suppressList = z.strictObject({
  suppressions: z
    .array(z.strictObject({ email: z.string(), reason: z.string(), actor: z.string(), since: instant }))
    .max(1_000),
  truncated,
})

export const messagesList = z.strictObject({
  messages: z
    .array(
      z.strictObject({
        id: z.ulid(),
        reference,
        campaign: key,
        stage,
        state: z.enum(messageStates),
        attempts: count,
        updatedAt: instant,
      }),
    )
    .max(1_000),
  truncated,
})

export const campaigns = z.strictObject({
  campaigns: z.array(
    z.looseObject({ key, own: onOff, effective: onOff, stages: z.array(stage).min(1), template: z.string() }),
  ),
})

export const configCheck = z.strictObject({
  ok: z.boolean(),
  findings: z.array(
    z.strictObject({
      rule: z.string(),
      level: z.enum(['error', 'warning']),
      where: z.string(),
      message: z.string(),
      fix: z.string(),
    }),
  ),
  settings: z.array(z.strictObject({ key: z.string(), value: z.string(), origin: z.string() })),
})
