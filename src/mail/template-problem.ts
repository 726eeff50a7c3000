import { ForewarnError } from '#core/errors.ts'

/** What a template folder is held to. */
export type TemplateRule =
  | 'file'
  | 'manifest'
  | 'include'
  | 'mjml'
  | 'token'
  | 'dropped'
  | 'slot'
  | 'answer'
  | 'unsafe'
  | 'link'
  | 'message'

/** One thing that is wrong with a template folder, or, as a warning, doubtful. */
export interface TemplateProblem {
  readonly rule: TemplateRule
  readonly level: 'error' | 'warning'
  /** `FILE:LINE`, or the file alone. */
  readonly where: string
  readonly message: string
  /** What to do about it. */
  readonly fix: string
}

/** A template folder that cannot be used, with everything that is wrong in it. */
export class TemplateError extends ForewarnError {
  readonly problems: readonly TemplateProblem[]

  constructor(name: string, problems: readonly TemplateProblem[]) {
    const lines = problems.map(({ where, message, fix }) => `  ${where}: ${message} ${fix}`)
    const count = lines.length === 1 ? 'a problem' : `${lines.length} problems`
    super('template-invalid', `The template ${name} has ${count}:\n${lines.join('\n')}`, {
      ...(problems[0] && { path: problems[0].where, hint: problems[0].fix }),
    })
    this.problems = problems
  }
}

/** Collects problems, so that all of a folder's come at once. */
export class Problems {
  readonly found: TemplateProblem[] = []

  error(rule: TemplateRule, where: string, message: string, fix: string): void {
    this.found.push({ rule, level: 'error', where, message, fix })
  }

  warning(rule: TemplateRule, where: string, message: string, fix: string): void {
    this.found.push({ rule, level: 'warning', where, message, fix })
  }

  get errors(): readonly TemplateProblem[] {
    return this.found.filter(({ level }) => level === 'error')
  }
}
