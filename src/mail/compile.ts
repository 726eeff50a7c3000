import { readdir } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import mjml2html from 'mjml'
import type { CompiledTemplate } from '#core/letter.ts'
import { checkResult, checkSafety, checkTags } from './markup-checks.ts'
import { readManifest, type TemplateManifest } from './template-manifest.ts'
import { type MessageSource, readMessages } from './template-messages.ts'
import { Problems, TemplateError, type TemplateProblem } from './template-problem.ts'
import { readSource, readText, type SourceText, showPath } from './template-source.ts'
import { checkTokens } from './template-tokens.ts'
import { readUses } from './template-uses.ts'
import { checkVocabulary, type Languages } from './template-vocabulary.ts'
import { localeChain } from './wording.ts'

/**
 * Compiles a template folder: `template.yaml`, `body.mjml`, `text.txt` and `messages/LOCALE.yaml`. Throws a TemplateError
 * (`template-invalid`) with everything that is wrong. This is the only module that loads MJML: what sends mails need not.
 */
export async function compileTemplate(folder: string): Promise<CompiledTemplate> {
  const { template, problems } = await checkTemplate(folder)
  if (template !== null) return template
  throw new TemplateError(
    basename(resolve(folder)),
    problems.filter(({ level }) => level === 'error'),
  )
}

/** The same without throwing: the template, or null when there are errors, and all problems with warnings among them. */
export async function checkTemplate(
  folder: string,
): Promise<{ readonly template: CompiledTemplate | null; readonly problems: readonly TemplateProblem[] }> {
  const problems = new Problems()
  const manifestPath = showPath(folder, join(folder, 'template.yaml'))
  const [manifestText, body, text] = await Promise.all([
    readText(join(folder, 'template.yaml'), basename(resolve(folder)), manifestPath, problems),
    readSource(folder, 'body.mjml', problems),
    readSource(folder, 'text.txt', problems),
  ])
  const manifest = manifestText === null ? null : readManifest(manifestText, manifestPath, problems)
  const languages = await readLanguages(folder, manifest, problems)

  checkTags(body, problems)
  checkSafety(body, problems)
  const parts = { html: readUses(body, problems), text: readUses(text, problems) }
  if (manifest !== null) checkVocabulary(parts, manifest, languages, manifestPath, problems)
  const html = await compileMjml(body, problems)

  if (manifest === null || html === null || problems.errors.length > 0)
    return { template: null, problems: problems.found }
  const template: CompiledTemplate = {
    name: basename(resolve(folder)),
    html,
    text: text.text,
    facts: manifest.facts,
    stages: manifest.stages,
    messages: Object.fromEntries(
      [...languages].map(([locale, messages]) => [
        locale,
        Object.fromEntries([...messages].map(([key, { text }]) => [key, text])),
      ]),
    ),
  }
  return { template, problems: problems.found }
}

async function compileMjml(body: SourceText, problems: Problems): Promise<string | null> {
  let compiled: Awaited<ReturnType<typeof mjml2html>>
  try {
    compiled = await mjml2html(body.text, {
      fonts: {},
      keepComments: false,
      minify: true,
      minifyOptions: { collapseWhitespace: true, minifyCss: false },
      ignoreIncludes: true,
    })
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    problems.error('mjml', body.where(1), `MJML cannot read it (${reason}).`, 'Correct the MJML.')
    return null
  }
  for (const { line, message, tagName } of compiled.errors) {
    problems.error('mjml', body.where(line), `${tagName}: ${message}.`, 'Correct the element or attribute.')
  }
  checkTokens(body, compiled.html, problems)
  checkResult(compiled.html, body.where(1), problems)
  return inShortLines(mirrored(compiled.html))
}

/**
 * Templates are written from left to right. Here left and right of styles and alignment become tokens, so that one layout
 * serves both directions. It must come after MJML, which does not bear tokens in styles.
 */
function mirrored(html: string): string {
  const styles = html.replace(/style="[^"]*"/g, (style) =>
    style
      .replace(/direction:ltr/g, 'direction:{{dir}}')
      .replace(/text-align:left/g, 'text-align:{{start}}')
      .replace(/text-align:right/g, 'text-align:{{end}}')
      .replace(/(padding|margin|border)-left/g, '$1-{{start}}')
      .replace(/(padding|margin|border)-right/g, '$1-{{end}}'),
  )
  return styles.replace(/ align="left"/g, ' align="{{start}}"').replace(/ align="right"/g, ' align="{{end}}"')
}

/** Line ends inside tags, where they mean nothing, so that most mails need no transfer encoding (lines of 998 characters at most). */
function inShortLines(html: string): string {
  return html.replace(/<(table|td|div|p|a|h1|h2|ol|ul|li|span) /g, '<$1\n')
}

/** Reads `messages/`. A regional language such as de-AT says only what differs from de. All others must be complete. */
async function readLanguages(
  folder: string,
  manifest: TemplateManifest | null,
  problems: Problems,
): Promise<Languages> {
  const directory = join(folder, 'messages')
  const shown = showPath(folder, directory)
  const files = await readdir(directory).catch(() => [])
  const own = new Map<string, ReadonlyMap<string, MessageSource>>()
  for (const file of files.filter((name) => name.endsWith('.yaml')).sort()) {
    const locale = basename(file, '.yaml')
    if (localeChain(locale)[0] !== locale) {
      problems.error(
        'message',
        join(shown, file),
        `${locale} is not the tag of a language.`,
        'Name the file as de.yaml or pt-BR.yaml.',
      )
      continue
    }
    const text = await readText(join(directory, file), shown, join(shown, file), problems)
    if (text !== null) own.set(locale, readMessages(text, locale, join(shown, file), problems))
  }
  if (manifest !== null && !own.has(manifest.language)) {
    problems.error(
      'message',
      shown,
      `There is no ${manifest.language}.yaml.`,
      `Add it: template.yaml names ${manifest.language}.`,
    )
  }
  return new Map([...own.keys()].map((locale) => [locale, merged(locale, own)]))
}

function merged(
  locale: string,
  own: ReadonlyMap<string, ReadonlyMap<string, MessageSource>>,
): ReadonlyMap<string, MessageSource> {
  const chain = localeChain(locale).reverse()
  return new Map(chain.flatMap((wider) => [...(own.get(wider) ?? [])]))
}
