import type { Stage } from '#core/campaign.ts'
import { icuUses } from './icu.ts'
import { choosingVariables, givenVariables, inDaysKey, optionalVariables, pinVariables } from './letter-variables.ts'
import { questions, type TemplateManifest } from './template-manifest.ts'
import type { MessageSource } from './template-messages.ts'
import type { Problems } from './template-problem.ts'
import type { TemplateUse } from './template-uses.ts'

/** Languages with their messages; regional ones are complete already. */
export type Languages = ReadonlyMap<string, ReadonlyMap<string, MessageSource>>

/**
 * Checks what HTML and text show against what there is to show: values that exist, optional ones only where they are there,
 * messages in every language; and that both parts show every slot of the manifest and answer every question.
 */
export function checkVocabulary(
  parts: { readonly html: readonly TemplateUse[]; readonly text: readonly TemplateUse[] },
  manifest: TemplateManifest,
  languages: Languages,
  where: string,
  problems: Problems,
): void {
  const vocabulary = vocabularyOf(manifest)
  const used = new Set(manifest.stages.map((stage) => `subject.${stage}`))
  for (const [part, uses] of Object.entries(parts)) {
    const shown = new Set<string>()
    for (const use of uses) {
      checkUse(use, vocabulary, problems)
      if (use.kind === 'value' || use.kind === 'list') shown.add(use.name)
      for (const key of keysOf(use, manifest.stages)) {
        used.add(key)
        for (const name of checkMessage(key, use, vocabulary, languages, problems)) shown.add(name)
        shown.add(key)
      }
    }
    for (const slot of manifest.slots.filter((slot) => !shown.has(slot))) {
      problems.error(
        'slot',
        where,
        `The ${part} part does not show ${slot}.`,
        `Show {{${slot}}}, or a message that does.`,
      )
    }
    for (const question of questions) {
      for (const key of manifest.answers[question].filter((key) => !shown.has(key))) {
        problems.error(
          'answer',
          where,
          `The ${part} part does not answer "${question}": ${key} is not in it.`,
          `Show {{t '${key}'}}.`,
        )
      }
    }
  }
  for (const stage of manifest.stages) {
    checkMessage(`subject.${stage}`, { where, guards: new Set(), inList: false }, vocabulary, languages, problems)
  }
  checkInDays(vocabulary, languages, where, used, problems)
  for (const [key, { where }] of languages.get(manifest.language) ?? []) {
    if (!used.has(key)) problems.warning('message', where, `${key} is used nowhere.`, 'Take it out.')
  }
}

interface Vocabulary {
  readonly given: ReadonlySet<string>
  readonly optional: ReadonlySet<string>
}

function vocabularyOf({ facts }: TemplateManifest): Vocabulary {
  const names = Object.keys(facts)
  return {
    given: new Set<string>([...givenVariables, ...names.filter((name) => facts[name]?.required)]),
    optional: new Set<string>([...optionalVariables, ...names.filter((name) => !facts[name]?.required)]),
  }
}

const inList: Vocabulary = { given: new Set(pinVariables.given), optional: new Set(pinVariables.optional) }

function checkUse(use: TemplateUse, whole: Vocabulary, problems: Problems): void {
  if (use.kind === 'message' || use.kind === 'staged') return
  const { given, optional } = use.inList ? inList : whole
  if (use.kind === 'list' && (use.name !== 'pins' || use.inList)) {
    problems.error(
      'token',
      use.where,
      `${use.name} is not a list.`,
      'Write {{#each pins}}, and nothing of the kind inside it.',
    )
  } else if (!given.has(use.name) && !optional.has(use.name) && (use.name !== 'subject' || use.inList)) {
    const fix = `Use one of ${[...given, ...optional].join(', ')}, or name a fact in template.yaml.`
    problems.error('token', use.where, `There is no value ${use.name} here.`, fix)
  } else if (use.kind === 'value' && optional.has(use.name) && !use.guards.has(use.name)) {
    problems.error('token', use.where, `A mail may have no ${use.name}.`, `Put it into {{#if ${use.name}}}.`)
  }
}

function keysOf(use: TemplateUse, stages: readonly Stage[]): readonly string[] {
  if (use.kind === 'message') return [use.name]
  return use.kind === 'staged' ? stages.map((stage) => `${use.name}.${stage}`) : []
}

/** Checks one message where it is used, in all languages, and returns the names of the values that it shows. */
function checkMessage(
  key: string,
  use: Pick<TemplateUse, 'where' | 'guards' | 'inList'>,
  whole: Vocabulary,
  languages: Languages,
  problems: Problems,
): ReadonlySet<string> {
  const shown = new Set<string>()
  for (const [locale, messages] of languages) {
    const message = messages.get(key)
    if (message === undefined) {
      problems.error('message', use.where, `${key} is missing in ${locale}.`, `Add it to messages/${locale}.yaml.`)
      continue
    }
    const { names, choosing, dates } = icuUses(message.elements)
    if (dates.size > 0) {
      const fix = 'Dates come in the zone of the reader: {day}, {date}, {time}.'
      problems.error('message', message.where, `${key} formats a date itself.`, fix)
    }
    for (const name of [...choosing].filter((name) => !choosers.has(name))) {
      const fix = `Only ${[...choosers].join(', ')} may choose words.`
      problems.error('message', message.where, `${key} chooses its words by {${name}}.`, fix)
    }
    for (const name of names) {
      shown.add(name)
      const given = whole.given.has(name) || (use.inList && inList.given.has(name))
      const optional = whole.optional.has(name) || (use.inList && inList.optional.has(name))
      if (!given && !optional) {
        problems.error('message', message.where, `${key} shows {${name}}, which there is not.`, 'Correct the name.')
      } else if (!given && !use.guards.has(name)) {
        const fix = `Show ${key} only inside {{#if ${name}}} (${use.where}).`
        problems.error('message', message.where, `${key} shows {${name}}, which a mail may lack.`, fix)
      }
    }
  }
  return shown
}

const choosers: ReadonlySet<string> = new Set(choosingVariables)

/** The message behind the value `inDays` is made before the others: it may use few values, and must be there if they use it. */
function checkInDays(
  vocabulary: Vocabulary,
  languages: Languages,
  where: string,
  used: Set<string>,
  problems: Problems,
): void {
  const needed = [...languages.values()].some((messages) =>
    [...messages.values()].some(({ elements }) => icuUses(elements).names.has('inDays')),
  )
  if (!needed) return
  used.add(inDaysKey)
  const early: Vocabulary = {
    given: new Set([...vocabulary.given].filter((name) => name !== 'inDays' && name !== 'pins')),
    optional: new Set(),
  }
  checkMessage(inDaysKey, { where, guards: new Set(), inList: false }, early, languages, problems)
}
