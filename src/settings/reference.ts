import { z } from 'zod'
import { campaignSchema } from './campaign-schema.ts'
import { settingKeys } from './keys.ts'
import { settingsSchema } from './schema.ts'

/** JSON Schemas of what forewarn.yaml and campaign files may hold, as text by file name in `docs/schema/`. */
export function editorSchemas(): Readonly<Record<string, string>> {
  return {
    'forewarn.schema.json': textOf(settingsSchema, 'forewarn.yaml'),
    'campaign.schema.json': textOf(campaignSchema, 'A campaign of forewarn'),
  }
}

function textOf(schema: z.ZodType, title: string): string {
  const generated = z.toJSONSchema(schema, {
    io: 'input',
    override({ jsonSchema }) {
      delete jsonSchema.meaning
      delete jsonSchema.expected
    },
  })
  return `${JSON.stringify({ title, ...generated }, null, 2)}\n`
}

/** The keys of forewarn.yaml as the table of docs/settings.md. */
export function settingsTable(): string {
  const rows = settingKeys.map(({ name, variables, meaning, expected, default: shipped }) => {
    const value = shipped === undefined ? 'required' : `\`${JSON.stringify(shipped)}\``
    return [
      `\`${name}\``,
      variables.map((variable) => `\`${variable}\``).join('<br>'),
      value,
      `${meaning} Takes ${expected}.`,
    ]
  })
  const head = ['key', 'environment', 'default', 'meaning']
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`)
  return `${lines.join('\n')}\n`
}
