import type { Stage } from '#core/campaign.ts'
import type { Instant } from '#core/instant.ts'
import type { SendPorts } from '#jobs/send.ts'
import type { Ledger, PendingMessage, Settlement } from '#ledger/ledger.ts'
import type { Mailer, Pace } from '#mail/mail.ts'
import type { Metrics } from '#observe/metrics.ts'

/** What is known of the message that one try is about. */
interface Tried {
  message: PendingMessage | null
  /** Of its most urgent reminder, by which the mail was composed. */
  stage: Stage | null
  dueAt: Instant | null
}

/** The ports of a single try of a message: what passes through them is counted, as the ledger has it. */
export function countedTry(ports: SendPorts, metrics: Metrics): SendPorts {
  return {
    ...ports,
    pace: countedPace(ports.pace, metrics),
    ledger: countedOutbox(ports.ledger, metrics),
    mailer: countedMailer(ports.mailer, metrics),
  }
}

function countedPace(pace: Pace, metrics: Metrics): Pace {
  return {
    async slot(signal) {
      const slot = await pace.slot(signal)
      if (slot === null) return null
      metrics.slots.add({})
      return {
        expired() {
          const expired = slot.expired()
          if (expired) metrics.slotsGivenUp.add({})
          return expired
        },
      }
    },
  }
}

function countedOutbox(ledger: SendPorts['ledger'], metrics: Metrics): SendPorts['ledger'] {
  const { outbox } = ledger
  const tried: Tried = { message: null, stage: null, dueAt: null }
  const counted: Partial<Ledger['outbox']> = {
    async load(messageId) {
      tried.message = await outbox.load(messageId)
      return tried.message
    },
    async prune(messageId, change, at) {
      await outbox.prune(messageId, change, at)
      const campaign = tried.message?.campaign ?? ''
      for (const { reason } of change.skips) metrics.remindersSkipped.add({ campaign, reason })
    },
    async defer(messageId, to) {
      await outbox.defer(messageId, to)
      metrics.messagesDeferred.add({ wait: to.wait })
    },
    async claim(request) {
      const [first] = request.composed
      tried.stage = request.values.stage
      tried.dueAt = tried.message?.reminders.find(({ id }) => id === first?.id)?.dueAt ?? null
      const claim = await outbox.claim(request)
      if (claim.kind === 'refused') metrics.claimsRefused.add({ reason: claim.because })
      if (claim.kind === 'answer-lost') metrics.claimsRefused.add({ reason: claim.kind })
      return claim
    },
    async settle(settlement) {
      try {
        const result = await outbox.settle(settlement)
        metrics.settlements.add({ result })
        if (result === 'applied') countEnd(tried, settlement, metrics)
        return result
      } catch (error) {
        metrics.settlements.add({ result: 'lost' })
        throw error
      }
    },
  }
  return { recipients: (addresses) => ledger.recipients(addresses), outbox: { ...outbox, ...counted } }
}

function countEnd({ message, stage, dueAt }: Tried, { to, at }: Settlement, metrics: Metrics): void {
  if (message === null || stage === null || to === 'pending') return
  const { campaign } = message
  metrics.messages.add({ campaign, stage, outcome: to })
  if (to === 'sent' && dueAt !== null) metrics.messageLag.record({ campaign, stage }, Math.max(0, at - dueAt) / 1_000)
}

function countedMailer(mailer: Mailer, metrics: Metrics): Mailer {
  return {
    async send(mail, callBy, signal) {
      const answer = await mailer.send(mail, callBy, signal)
      const { outcome, beganAt, endedAt } = answer
      metrics.sesCalls.add({ outcome })
      if (beganAt !== null) metrics.sesCallDuration.record({}, Math.max(0, endedAt - beganAt) / 1_000)
      return answer
    },
    quota: (signal) => mailer.quota(signal),
    close: () => mailer.close(),
  }
}
