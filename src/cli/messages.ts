import { Command, InvalidArgumentError, Option } from 'commander'
import type { MessageView } from '#control/show-message.ts'
import { ForewarnError } from '#core/errors.ts'
import { isoInstant } from '#core/instant.ts'
import { type MessageState, messageStates } from '#core/message-state.ts'
import type { MessageRow } from '#ledger/ledger.ts'
import { isoOrNull, secondText } from './instants.ts'
import { facts, type Globals, print, table, visible } from './output.ts'
import { withLedger } from './settings.ts'

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
    .addOption(new Option('--state <STATE>', 'in this state only').choices(messageStates))
    .option('--campaign <KEY>', 'of this campaign only')
    .option('--limit <N>', `how many, at most ${mostRows}`, readLimit, 100)
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
  await withLedger(globals, 'existing', async ({ ledger }) => {
    const filter = { limit, ...(state && { state }), ...(campaign && { campaign }) }
    const { rows, truncated } = await ledger.reports.messages(filter)
    const messages = rows.map((row) => ({ ...row, updatedAt: isoInstant(row.updatedAt) }))
    print(globals, { messages, ...(truncated ? { truncated } : {}) }, () => listText(rows, truncated))
  })
}

function listText(rows: readonly MessageRow[], truncated: boolean): string {
  if (rows.length === 0) return 'There are no such messages.'
  const cells = rows.map(({ id, reference, campaign, stage, state, attempts, updatedAt }) => {
    return [reference, campaign, stage, state, String(attempts), secondText(updatedAt), id]
  })
  return [
    table(['reference', 'campaign', 'stage', 'state', 'calls', 'last change', 'id'], cells),
    ...(truncated ? ['There are more: --limit N shows up to 1,000, --state and --campaign narrow them down.'] : []),
  ].join('\n')
}

async function show(id: string, options: ShowOptions): Promise<void> {
  await withLedger(options, 'existing', async ({ ledger }) => {
    const [{ showMessage }, { createComposer }] = await Promise.all([
      import('#control/show-message.ts'),
      import('#mail/compose.ts'),
    ])
    const view = await showMessage({ ledger, composer: createComposer() }, id)
    if (view === null) {
      throw new ForewarnError('not-found', `there is no message ${id}`, {
        hint: 'give its id, or the reference at its foot (XXXX-XXXX-XXXX)',
      })
    }
    if (options.text || options.html) printPart(options, view)
    else print(options, showJson(view), () => showText(view))
  })
}

function printPart(options: ShowOptions, { mail }: MessageView): void {
  if (mail === null) {
    throw new ForewarnError('not-found', 'what this message said is not kept', {
      hint: 'it was not sent yet, or the retention has passed',
    })
  }
  const part = options.html ? { html: mail.html } : { text: mail.text }
  print(options, part, () => part.html ?? part.text ?? '')
}

function showJson({ detail, mail }: MessageView) {
  const { attemptList, values: _kept, reminders, ...rest } = detail
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
  const { reference, state, id, campaign, stage, address, sesId, notBefore, sentAt, wait } = detail
  const kept = mail === null ? ['What it says is not kept: it was not sent yet, or the retention has passed.'] : []
  return [
    `${reference} is ${state}`,
    ...facts([
      ['id', id],
      ['campaign', `${campaign}, stage ${stage}`],
      ['to', visible(address ?? 'not kept any more: the retention has passed')],
      ...(sentAt === null ? [] : [['sent', secondText(sentAt)] as const]),
      ...(state === 'pending'
        ? [['waits', `until ${secondText(notBefore)}${wait === null ? '' : ` (${wait})`}`] as const]
        : []),
      ...(sesId === null ? [] : [['SES id', sesId] as const]),
      ...detail.reminders.map(({ pinId, stage: of, outcome, reason }) => {
        return ['reminder', `${of} of PIN ${visible(pinId)}: ${reason ?? outcome ?? 'open'}`] as const
      }),
      ...detail.attemptList.map(({ number, outcome, askedAt, worker }) => {
        return [
          'call',
          `${number} at ${secondText(askedAt)} by ${visible(worker.name)}: ${outcome ?? 'not ended'}`,
        ] as const
      }),
    ]),
    '',
    ...(mail === null ? kept : [`Subject: ${mail.subject}`, '', mail.text.trimEnd()]),
  ].join('\n')
}
