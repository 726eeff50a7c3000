import Handlebars from 'handlebars'
import { ForewarnError } from '#core/errors.ts'
import type { Edition } from '#core/letter.ts'
import { type Mailbox, parseMailbox } from '#settings/mailbox.ts'
import { letterDates } from './letter-dates.ts'
import { fill, fillBytes, type Pieces, piecesOf, shapeOf, withMarks } from './letter-shape.ts'
import { inDaysKey, type LetterVariables, letterVariables } from './letter-variables.ts'
import type { Composer } from './mail.ts'
import { buildMime } from './mime.ts'
import { layOut, prepareLayout, type TextLayout } from './plain-text.ts'
import { Remembered } from './remembered.ts'
import { factsFor } from './template-facts.ts'
import { templateHelpers } from './template-helpers.ts'
import { chooseLocale, localeForDates, Wording } from './wording.ts'

/** Editions that a process has at hand: those of its enabled campaigns, and the last few before them. */
const keptEditions = 32
/** Languages × stages × what is known of a recipient; some 40 KB each. */
const keptShapes = 300
const keptWishes = 1_000
const keptMailboxes = 16

/**
 * Makes mails of editions. What does not depend on the recipient is rendered once, so that a mail costs some ten microseconds
 * and no MJML. Throws `campaign-invalid` or `template-invalid` when a mail cannot be made as it should be.
 */
export function createComposer(): Composer {
  const editions = new Remembered<string, PreparedEdition>(keptEditions)
  const mailboxes = new Remembered<string, Mailbox>(keptMailboxes)

  return {
    compose(edition, values) {
      const prepared = editions.get(edition.hash, () => prepare(edition))
      const from = mailboxes.get(values.from, () => mailbox('mail.from', values.from))
      const replyTo = mailboxes.get(values.replyTo, () => mailbox('mail.replyTo', values.replyTo))
      const { wording, dateLocale } = prepared.language(values.locale)

      const dates = letterDates(dateLocale, values.timeZone)
      const variables = letterVariables(values, edition.campaign, wording, dates, from.address)
      const { key, slots } = shapeOf(variables)
      const shape = prepared.shapes.get(`${wording.locale} ${key}`, () =>
        render(prepared, wording, withMarks(variables), edition),
      )

      const escaped = slots.map(Handlebars.escapeExpression)
      const subject = oneLine(fill(shape.subject, slots))
      const text = layOut(shape.text, slots)
      const { messageId, to, reference, composedAt: at } = values
      const language = wording.locale
      const html = () => fill(shape.html, escaped)
      const wireHtml = shape.ascii && isAscii(slots) ? html() : fillBytes(shape.html, shape.htmlBytes, escaped)
      const raw = buildMime({ messageId, from, replyTo, to, subject, at, language, reference, html: wireHtml, text })
      return {
        subject,
        // Only previews and the support desk want them apart from the raw message.
        get html() {
          return withPlainLineEnds(html())
        },
        get text() {
          return withPlainLineEnds(text)
        },
        raw,
      }
    },
  }
}

/** What is the same for all mails of an edition. */
interface PreparedEdition {
  readonly html: HandlebarsTemplateDelegate
  readonly text: HandlebarsTemplateDelegate
  readonly facts: Readonly<Record<string, string>>
  readonly shapes: Remembered<string, RenderedShape>
  /** The words for a recipient's wish, and the locale in which dates are written to them. */
  language(wish: string | null): { readonly wording: Wording; readonly dateLocale: string }
}

/** What is the same for all mails of a shape. */
interface RenderedShape {
  readonly subject: Pieces
  /** Lines end in CRLF, as on the wire; those of the text too. */
  readonly html: Pieces
  /** The texts of its pieces in UTF-8. */
  readonly htmlBytes: readonly Uint8Array[]
  readonly ascii: boolean
  readonly text: TextLayout
}

function prepare({ campaign, template }: Edition): PreparedEdition {
  const { allow, default: fallback } = campaign.locales
  const available = Object.keys(template.messages).filter((locale) => allow === null || allow.includes(locale))
  const wordings = new Map(available.map((locale) => [locale, new Wording(locale, template.messages[locale] ?? {})]))
  const languages = new Remembered<string | null, { wording: Wording; dateLocale: string }>(keptWishes)
  const handlebars = Handlebars.create()
  for (const [name, helper] of Object.entries(templateHelpers)) handlebars.registerHelper(name, helper)
  const options = { strict: true, knownHelpersOnly: true, knownHelpers: { t: true, staged: true } }

  return {
    html: handlebars.compile(template.html, options),
    text: handlebars.compile(template.text, { ...options, noEscape: true }),
    facts: factsFor(template, campaign),
    shapes: new Remembered(keptShapes),
    language: (wish) =>
      languages.get(wish, () => {
        const wording = wordings.get(chooseLocale(wish, available, fallback) ?? '')
        if (wording !== undefined) return { wording, dateLocale: localeForDates(wish, wording.locale) }
        throw new ForewarnError('campaign-invalid', `The template ${template.name} has no messages in ${fallback}.`, {
          path: 'locales.default',
          hint: `Choose one of: ${available.join(', ')}.`,
        })
      }),
  }
}

function render(
  { html, text, facts }: PreparedEdition,
  wording: Wording,
  variables: LetterVariables,
  { template }: Edition,
): RenderedShape {
  try {
    const inDays = wording.has(inDaysKey) ? wording.format(inDaysKey, variables) : ''
    // In place, because the PINs of the list see these values through their prototype.
    const complete: Record<string, unknown> = Object.assign(variables, facts, { inDays })
    const subject = wording.format(`subject.${variables.stage}`, complete)
    complete.subject = subject
    const htmlPieces = piecesOf(html(complete, { data: { wording } }).replaceAll('\n', '\r\n'))
    return {
      subject: piecesOf(subject),
      html: htmlPieces,
      htmlBytes: htmlPieces.texts.map((text) => Buffer.from(text)),
      ascii: isAscii(htmlPieces.texts),
      text: prepareLayout(text(complete, { data: { wording } })),
    }
  } catch (cause) {
    const what = `${template.name} (${wording.locale}, ${variables.stage})`
    throw new ForewarnError('template-invalid', `The template ${what} does not go with the values of a mail.`, {
      hint: `Run \`templates check ${template.name}\`.`,
      cause,
    })
  }
}

function isAscii(texts: readonly string[]): boolean {
  return texts.every((text) => Buffer.byteLength(text) === text.length)
}

function withPlainLineEnds(text: string): string {
  return text.replaceAll('\r\n', '\n')
}

/** Without line breaks, and without the marks that turn a text around, which would reach beyond it in a list of mails. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').replace(/[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g, '')
}

function mailbox(path: string, text: string): Mailbox {
  const parsed = parseMailbox(text)
  if (typeof parsed === 'string') throw new ForewarnError('settings-invalid', `${path}: ${parsed}.`, { path })
  return parsed
}
