import { parseAddress } from '#core/address.ts'
import type { Campaign } from '#core/campaign.ts'
import { ForewarnError } from '#core/errors.ts'
import type { CompiledTemplate } from '#core/letter.ts'
import { linkTo } from './link.ts'

/**
 * The campaign's statements that the template asks for, checked: links lead to hosts on the campaign's list, names ending in
 * Email hold addresses, none that must be given is missing. Throws `campaign-invalid` with all that is wrong.
 */
export function factsFor(template: CompiledTemplate, campaign: Campaign): Readonly<Record<string, string>> {
  const facts: Record<string, string> = {}
  const wrong: { readonly path: string; readonly reason: string }[] = []
  for (const [name, { required }] of Object.entries(template.facts)) {
    const value = campaign.facts[name] ?? null
    if (value === null) {
      if (required) wrong.push({ path: `facts.${name}`, reason: `is missing; the template ${template.name} needs it` })
      continue
    }
    const checked = checkFact(name, value, campaign.links.allow)
    if ('problem' in checked) wrong.push({ path: `facts.${name}`, reason: checked.problem })
    else facts[name] = checked.value
  }
  const [first] = wrong
  if (first === undefined) return facts
  const lines = wrong.map(({ path, reason }) => `${path} ${reason}`)
  throw new ForewarnError(
    'campaign-invalid',
    `The campaign ${campaign.key} cannot be put into words: ${lines.join('; ')}.`,
    {
      path: first.path,
      hint: 'State it in the campaign file, and the hosts of links in links.allow.',
    },
  )
}

function checkFact(
  name: string,
  value: string,
  hosts: readonly string[],
): { readonly value: string } | { readonly problem: string } {
  if (/\p{Cc}/u.test(value)) return { problem: 'has a line break or another control character' }
  if (name.endsWith('Url')) return linkTo(value, hosts)
  if (!name.endsWith('Email')) return { value }
  const parsed = parseAddress(value)
  return 'problem' in parsed ? parsed : { value: parsed.address }
}
