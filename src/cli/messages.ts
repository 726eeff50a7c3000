import { Command, InvalidArgumentError, Option } from 'commander'
import type { MessageView } from '#control/show-message.ts'
import { ForewarnError } from '#core/errors.ts'
import { isoInstant } from '#core/instant.ts'
import { type MessageState, messageStates } from '#core/message-state.ts'
import { isoOrNull } from './instants.ts'
import { type Globals, print, table } from './output.ts'
import { loadFor } from './settings.ts'

interface ListOptions extends Globals {
  readonly state?: MessageState
  readonly campaign?: string
  readonly limit: number
}

interface ShowOptions extends Globals {
  readonly text?: boolean
  readonly html?: boolean
}

/** JSON lists hold at most so many items. */
const mostRows = 1_000

/** `messages list|show`: what was sent, and what it said. */
export function messagesCommand(): Command {
  const command = new Command('messages').description('messages: what became of them, and what they said')
  command
    .command('list')
    .description('the newest messages')
    .addOption(new Option('--state <STATE>').choices(messageStates))
    .option('--campaign <KEY>', 'of this campaign only')
    .option('--limit <N>', `at most ${mostRows}`, readLimit, 100)
    .action(async (_options, self: Command) => list(self.optsWithGlobals()))
  command
    .command('show')
    .argument('<ID|REFERENCE>')
    .description('one message: its reminders, its attempts, and what it said')
    .option('--text', 'the text part only')
    .option('--html', 'the HTML part only')
    .action(async (id: string, _options, self: Command) => show(id, self.optsWithGlobals()))
  return command
}

function readLimit(text: string): number {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > mostRows) {
    throw new InvalidArgumentError(`expected a whole number from 1 to ${mostRows}`)
  }
  return limit
}

async function list({ state, campaign, limit, ...globals }: ListOptions): Promise<void> {
  const { settings } = await loadFor(globals)
  const [{ wireLedger }, { systemClocks }] = await Promise.all([import('#app/wire.ts'), import('#app/clocks.ts')])
  const { ledger } = await wireLedger(settings, systemClocks())
  try {
    const filter = { limit, ...(state && { state }), ...(campaign && { campaign }) }
    const { rows, truncated } = await ledger.reports.messages(filter)
    const messages = rows.map((row) => ({ ...row, updatedAt: isoInstant(row.updatedAt) }))
    print(globals, { messages, ...(truncated ? { truncated } : {}) }, () =>
      messages.length === 0
        ? 'There are no such messages.'
        : table(
            ['id', 'reference', 'campaign', 'stage', 'state', 'attempts', 'updated'],
            messages.map((row) => [
              row.id,
              row.reference,
              row.campaign,
              row.stage,
              row.state,
              String(row.attempts),
              row.updatedAt,
            ]),
          ),
    )
  } finally {
    await ledger.close()
  }
}

async function show(id: string, options: ShowOptions): Promise<void> {
  const { settings } = await loadFor(options)
  const [{ wireLedger }, { systemClocks }, { showMessage }, { createComposer }] = await Promise.all([
    import('#app/wire.ts'),
    import('#app/clocks.ts'),
    import('#control/show-message.ts'),
    import('#mail/compose.ts'),
  ])
  const { ledger } = await wireLedger(settings, systemClocks())
  try {
    const view = await showMessage({ ledger, composer: createComposer() }, id)
    if (view === null) {
      throw new ForewarnError('not-found', `there is no message ${id}`, {
        hint: 'give its id, or the reference at its foot (XXXX-XXXX-XXXX)',
      })
    }
    if (options.text || options.html) return printPart(options, view)
    print(options, showJson(view), () => showText(view))
  } finally {
    await ledger.close()
  }
}

function printPart(options: ShowOptions, { mail }: MessageView): void {
  if (mail === null)
    throw new ForewarnError(
      'not-found',
      'what this message said is not kept: it was not composed, or the retention has passed',
    )
  const part = options.html ? { html: mail.html } : { text: mail.text }
  print(options, part, () => part.html ?? part.text ?? '')
}

function showJson({ detail, mail }: MessageView) {
  const { attemptList, values, reminders, ...rest } = detail
  return {
    ...rest,
    updatedAt: isoInstant(detail.updatedAt),
    notBefore: isoInstant(detail.notBefore),
    sentAt: isoOrNull(detail.sentAt),
    reminders: reminders.map((reminder) => ({
      ...reminder,
      dueAt: isoInstant(reminder.dueAt),
      decidedAt: isoOrNull(reminder.decidedAt),
    })),
    attemptList: attemptList.map(({ number, outcome, askedAt, endedAt, worker }) => ({
      number,
      outcome,
      worker: worker.name,
      askedAt: isoInstant(askedAt),
      endedAt: isoOrNull(endedAt),
    })),
    mail: mail === null ? null : { subject: mail.subject, text: mail.text, html: mail.html },
  }
}

function showText({ detail, mail }: MessageView): string {
  const attempts = detail.attemptList.map(
    ({ number, outcome, askedAt, worker }) =>
      `  attempt ${number} at ${isoInstant(askedAt)} by ${worker.name}: ${outcome ?? 'not ended'}`,
  )
  const reminders = detail.reminders.map(
    ({ pinId, stage, outcome, reason }) =>
      `  ${stage} of PIN ${pinId}: ${outcome ?? 'open'}${reason ? ` (${reason})` : ''}`,
  )
  return [
    `${detail.reference}  ${detail.state}${detail.sentAt === null ? '' : ` at ${isoInstant(detail.sentAt)}`}`,
    `  id       ${detail.id}`,
    `  campaign ${detail.campaign}, stage ${detail.stage}`,
    `  to       ${detail.address ?? '(removed: the retention has passed)'}`,
    ...(detail.state === 'pending'
      ? [`  waits    until ${isoInstant(detail.notBefore)} (${detail.wait ?? 'ready'})`]
      : []),
    ...(detail.sesId === null ? [] : [`  SES id   ${detail.sesId}`]),
    ...reminders,
    ...attempts,
    ...(mail === null ? [] : ['', `Subject: ${mail.subject}`, '', mail.text]),
  ].join('\n')
}
