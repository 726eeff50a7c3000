import Handlebars from 'handlebars'
import type { Problems } from './template-problem.ts'
import type { SourceText } from './template-source.ts'

/** Where a template shows a value or a message. */
export interface TemplateUse {
  /** `value`: `{{x}}` · `test`: `{{#if x}}` · `list`: `{{#each x}}` · `message`: `{{t 'x'}}` · `staged`: `{{staged 'x'}}` */
  readonly kind: 'value' | 'test' | 'list' | 'message' | 'staged'
  readonly name: string
  /** `FILE:LINE` */
  readonly where: string
  /** The values that surely are there: those of the `{{#if}}` around it. */
  readonly guards: ReadonlySet<string>
  readonly inList: boolean
}

type Scope = Pick<TemplateUse, 'guards' | 'inList'>

/**
 * Reads the tokens of a template. Templates may show values, messages by `t` and `staged`, and use `if`, `unless` and `each`;
 * everything else that Handlebars can do is a problem: a template is words and values, not a program.
 */
export function readUses(source: SourceText, problems: Problems): TemplateUse[] {
  const uses: TemplateUse[] = []
  const body = parse(source, problems)
  if (body !== null) visit(body, { guards: new Set(), inList: false })
  return uses

  function visit(statements: readonly hbs.AST.Statement[], scope: Scope): void {
    for (const statement of statements) {
      const where = source.where(statement.loc.start.line)
      if (isMustache(statement)) mustache(statement, where, scope)
      else if (isBlock(statement)) block(statement, where, scope)
      else if (statement.type !== 'ContentStatement' && statement.type !== 'CommentStatement') {
        problems.error(
          'token',
          where,
          'Partials and decorators are not supported.',
          "Use mj-include in body.mjml, or {{t 'key'}}.",
        )
      }
    }
  }

  function mustache(statement: hbs.AST.MustacheStatement, where: string, scope: Scope): void {
    const name = nameOf(statement.path)
    const [first, ...more] = statement.params
    if (!statement.escaped) {
      problems.error('token', where, 'Three braces or & leave HTML unescaped.', 'Write two braces.')
    } else if (
      (name === 't' || name === 'staged') &&
      first?.type === 'StringLiteral' &&
      more.length === 0 &&
      !statement.hash
    ) {
      uses.push({
        kind: name === 't' ? 'message' : 'staged',
        name: (first as hbs.AST.StringLiteral).value,
        where,
        ...scope,
      })
    } else if (name === null || first !== undefined || statement.hash || name === 't' || name === 'staged') {
      problems.error('token', where, 'This token cannot be read.', "Write {{name}}, {{t 'key'}} or {{staged 'key'}}.")
    } else {
      uses.push({ kind: 'value', name, where, ...scope })
    }
  }

  function block(statement: hbs.AST.BlockStatement, where: string, scope: Scope): void {
    const helper = nameOf(statement.path)
    const name = statement.params[0] ? nameOf(statement.params[0]) : null
    if (name === null || statement.params.length > 1 || (helper !== 'if' && helper !== 'unless' && helper !== 'each')) {
      problems.error(
        'token',
        where,
        'This block cannot be read.',
        'Write {{#if name}}, {{#unless name}} or {{#each name}}.',
      )
      return
    }
    uses.push({ kind: helper === 'each' ? 'list' : 'test', name, where, ...scope })
    const guarded: Scope = { ...scope, guards: new Set([...scope.guards, name]) }
    const within: Scope = helper === 'each' ? { guards: new Set(), inList: true } : helper === 'if' ? guarded : scope
    visit(statement.program.body, within)
    if (statement.inverse) visit(statement.inverse.body, helper === 'unless' ? guarded : scope)
  }
}

function parse(source: SourceText, problems: Problems): readonly hbs.AST.Statement[] | null {
  try {
    return Handlebars.parse(source.text).body
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const line = Number(/on line (\d+)/.exec(message)?.[1] ?? / - (\d+):\d+$/.exec(message)?.[1] ?? 1)
    const reason = message.split('\n').at(-1) ?? message
    problems.error(
      'token',
      source.where(line),
      `A token or block is broken (${reason}).`,
      'Close each {{#if}} with {{/if}}.',
    )
    return null
  }
}

/** A simple name; null for paths, literals and the loop's own names. */
function nameOf(expression: hbs.AST.Expression): string | null {
  if (expression.type !== 'PathExpression') return null
  const { original, depth, data } = expression as hbs.AST.PathExpression
  return depth === 0 && !data && /^[a-z][A-Za-z0-9]*$/.test(original) ? original : null
}

function isMustache(statement: hbs.AST.Statement): statement is hbs.AST.MustacheStatement {
  return statement.type === 'MustacheStatement'
}

function isBlock(statement: hbs.AST.Statement): statement is hbs.AST.BlockStatement {
  return statement.type === 'BlockStatement'
}
