import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { checkTemplate, compileTemplate } from '#mail/compile.ts'
import { TemplateError } from '#mail/template-problem.ts'
import { softPin, templates } from './given-letter.ts'

let root: string
let folder: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'forewarn-template-'))
  folder = join(root, 'soft-pin')
  cpSync(templates, root, { recursive: true })
})

afterEach(() => rmSync(root, { recursive: true }))

/** Changes the first occurrence in one file of the copy; returns `FILE:LINE` of it. */
function change(file: string, from: string, to: string): string {
  const text = readFileSync(join(root, file), 'utf8')
  const index = text.indexOf(from)
  if (index === -1) throw new Error(`${file} does not hold ${from}`)
  writeFileSync(
    join(root, file),
    text.replace(from, () => to),
  )
  return `${file}:${text.slice(0, index).split('\n').length}`
}

async function found(): Promise<string[]> {
  return (await checkTemplate(folder)).problems.map(({ rule, where }) => `${rule} ${where}`)
}

const body = 'soft-pin/body.mjml'
const steps = '</ol>'

describe('a sound folder', () => {
  it('compiles to HTML and text with tokens, and messages', async () => {
    const { name, html, text, stages, facts, messages } = await compileTemplate(softPin)
    expect(name).toBe('soft-pin')
    expect(html).toContain('href="{{resetUrl}}"')
    expect(html).not.toMatch(/<mj-|mj-include/)
    expect(text).toContain('{{resetUrl}}')
    expect(stages).toEqual(['30d', '14d', '7d', '1d', 'expired'])
    expect(facts.genuineUrl).toEqual({ required: false })
    expect(messages.en?.['label.account']).toBe('Account')
  })

  it('has no problems, and is the same each time', async () => {
    const first = await checkTemplate(softPin)
    expect(first.problems).toEqual([])
    expect(await checkTemplate(softPin)).toEqual(first)
  })

  it('leaves the direction to the language', async () => {
    const { html } = await compileTemplate(softPin)
    expect(html).toContain('direction:{{dir}}')
    expect(html).toContain('text-align:{{start}}')
    expect(html).not.toMatch(/direction:ltr|text-align:left|align="left"/)
  })

  it('takes the messages of a variety from its language, where it does not differ', async () => {
    writeFileSync(join(folder, 'messages/en-GB.yaml'), "label:\n  account: 'Account, my dear'\n")
    const { messages } = await compileTemplate(folder)
    expect(messages['en-GB']?.['label.account']).toBe('Account, my dear')
    expect(messages['en-GB']?.['do.title']).toBe(messages.en?.['do.title'])
  })
})

describe('what MJML passes over without a word', () => {
  it('finds a block that stands where only components may', async () => {
    const where = change(body, '<mj-raw>{{#if digest}}</mj-raw>', '{{#if digest}}')
    expect(await found()).toEqual([`dropped ${where}`])
  })

  it('finds a value in a section', async () => {
    const where = change(body, '      <mj-column>', '      {{reference}}<mj-column>')
    expect(await found()).toEqual([`dropped ${where}`])
  })

  it.each(['<mj-text>', '<p>', '<table class="facts"', '<mj-column>', '<li>'])('finds an unclosed %s', async (tag) => {
    const closing = `</${/[\w-]+/.exec(tag)?.[0]}>`
    change(body, closing, '')
    expect(await found()).toContainEqual(expect.stringMatching(/^mjml soft-pin\/body\.mjml:\d+$/))
  })

  it.each([
    ['a file that is not there', '../layout/absent.mjml', 'file'],
    ['a file outside the folders', '../../../../../etc/passwd', 'include'],
    ['a file of another template', '../other/body.mjml', 'include'],
    ['itself', 'body.mjml', 'include'],
  ])('finds an include of %s', async (_, path, rule) => {
    change(body, '../layout/footer.mjml', path)
    expect((await checkTemplate(folder)).template).toBeNull()
    expect((await found()).some((problem) => problem.startsWith(rule))).toBe(true)
  })

  it('finds an include that it cannot read', async () => {
    const where = change(body, '<mj-include path="../layout/footer.mjml" />', '<mj-include path="x.css" type="css" />')
    expect(await found()).toContain(`include ${where}`)
  })

  it('finds tokens in styles', async () => {
    const where = change(body, 'style="padding-left:24px"', 'style="padding-left:{{count}}px"')
    expect(await found()).toContain(`unsafe ${where}`)
  })
})

describe('what has no place in a mail', () => {
  it.each([
    ['a script', '<script>alert(1)</script>'],
    ['a form', '<form><input name="pin" /></form>'],
    ['an image', '<img src="https://example.com/x.png" alt="x" />'],
    ['an event handler', '<b onclick="x()">x</b>'],
    ['a remote style', '<b style="background:url(https://example.com/x.png)">x</b>'],
    ['a frame', '<iframe></iframe>'],
  ])('finds %s', async (_, markup) => {
    const where = change(body, steps, `${steps}${markup}`)
    expect(await found()).toContain(`unsafe ${where}`)
  })

  it('finds images and fonts of MJML', async () => {
    change(body, '<mj-button', '<mj-image alt="x" />\n        <mj-button')
    change(
      'layout/head.mjml',
      '<mj-breakpoint',
      '<mj-font name="x" href="https://example.com/x.css" />\n<mj-breakpoint',
    )
    expect((await found()).filter((problem) => problem.startsWith('unsafe')).length).toBeGreaterThanOrEqual(2)
  })

  it.each([
    'https://example.com/',
    'https://example.com/{{reference}}',
    '{{docsUrl}}?id={{reference}}',
    'javascript:x',
    '{{reference}}',
  ])('finds a link to %s, which is not a fact of the campaign', async (target) => {
    const where = change(body, 'href="{{docsUrl}}"', `href="${target}"`)
    expect(await found()).toContain(`link ${where}`)
  })

  it('finds three braces', async () => {
    const where = change(body, '{{account}}', '{{{account}}}')
    expect(await found()).toContain(`token ${where}`)
  })
})

describe('values and messages', () => {
  it.each([
    ['a value that there is not', '{{nickname}}'],
    ['a value that a mail may lack, without asking', '{{name}}'],
    ['a helper', "{{lookup this 'name'}}"],
    ['a path', '{{../name}}'],
    ['a partial', '{{> x}}'],
    ['a block', '{{#with pins}}{{/with}}'],
  ])('finds %s', async (_, token) => {
    const where = change(body, steps, `${steps}<p>${token}</p>`)
    expect(await found()).toContain(`token ${where}`)
  })

  it('finds an unclosed block, in HTML and in text', async () => {
    change(body, '{{#if digest}}<p', '<p')
    change('soft-pin/text.txt', '{{/if}}', '')
    const files = (await found())
      .filter((problem) => problem.startsWith('token'))
      .map((problem) => problem.replace(/:\d+$/, ''))
    expect(new Set(files)).toEqual(new Set(['token soft-pin/body.mjml', 'token soft-pin/text.txt']))
  })

  it('finds a message that is missing in a language, and one that is used nowhere', async () => {
    writeFileSync(join(folder, 'messages/de.yaml'), readFileSync(join(folder, 'messages/en.yaml')))
    change('soft-pin/messages/de.yaml', '  menu: "Go', '  menus: "Go')
    const { problems } = await checkTemplate(folder)
    expect(problems.map(({ message }) => message)).toContain('do.menu is missing in de.')
    change('soft-pin/messages/de.yaml', '  menus: "Go', '  menu: "Go')
    const where = change('soft-pin/messages/en.yaml', '  menu: "Go', '  spare: "x"\n  menu: "Go')
    const spare = await checkTemplate(folder)
    expect(spare.problems).toEqual([expect.objectContaining({ level: 'warning', rule: 'message', where })])
    expect(spare.template).not.toBeNull()
  })

  it.each([
    ["'{count, plural, one {x}'", 'broken ICU'],
    ["'{count, plural, one {x}}'", 'no other'],
    ["'{nickname}'", 'an unknown value'],
    ["'{name}'", 'a value that a mail may lack'],
    ["'{day, date, short}'", 'a date in no zone'],
    ["'{sender, select, x {a} other {b}}'", 'words chosen by a text'],
    ['"two\\nlines"', 'a line break'],
    ['"\\u202eturned"', 'a mark that turns text around'],
    ['[a list]', 'a list'],
  ])('finds the message %s: %s', async (message) => {
    const where = change('soft-pin/messages/en.yaml', '"Go to Admin > Profile > Security Settings."', message)
    expect(await found()).toContain(`message ${where}`)
  })

  it('finds a slot and an answer that one part lacks', async () => {
    change('soft-pin/text.txt', '{{resetUrl}}', '')
    change('soft-pin/text.txt', "{{t 'code.later'}}", '')
    const messages = (await checkTemplate(folder)).problems.map(({ message }) => message)
    expect(messages).toEqual([
      'The text part does not show resetUrl.',
      'The text part does not answer "code": code.later is not in it.',
    ])
  })

  it('finds a stage without words', async () => {
    change('soft-pin/template.yaml', '[30d,', '[60d, 30d,')
    const messages = (await checkTemplate(folder)).problems.map(({ message }) => message)
    expect(messages).toContain('subject.60d is missing in en.')
    expect(messages).toContain('lead.60d is missing in en.')
  })

  it.each([
    ['stages: [30d', 'stages: [soon'],
    ['again: [again.done, again.next]', ''],
    ['language: en', 'language: fr'],
    ['facts:', 'fact:'],
    ['slots: [', 'slots: [[['],
  ])('finds a manifest with %s turned into %j', async (from, to) => {
    change('soft-pin/template.yaml', from, to)
    expect((await checkTemplate(folder)).template).toBeNull()
  })
})

it('tells everything that is wrong at once, each with its line and what to do', async () => {
  const unsafe = change(body, steps, `${steps}<script>x</script>`)
  const lost = change(body, '<mj-raw>{{#if digest}}</mj-raw>', '{{#if digest}}')
  const message = change('soft-pin/messages/en.yaml', '"Go to Admin', '"{Go to Admin')
  const attribute = change('layout/footer.mjml', '<mj-column>', '<mj-column colour="red">')
  const error = await compileTemplate(folder).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(TemplateError)
  const { code, path, hint, problems, message: text } = error as TemplateError
  expect(code).toBe('template-invalid')
  expect(path).toMatch(/:\d+$/)
  expect(hint).not.toBe('')
  for (const where of [unsafe, lost, message, attribute]) {
    expect(problems.map((problem) => problem.where)).toContain(where)
    expect(text).toContain(where)
  }
})

it('names an absent folder', async () => {
  await expect(compileTemplate(join(root, 'absent'))).rejects.toMatchObject({ code: 'template-invalid' })
})
