/** A call of the SES Query protocol: `Action`, and parameters by their dotted names. */
export interface Query {
  readonly action: string
  readonly one: (name: string) => string | undefined
  /** The values of `name.member.1`, `name.member.2`, … */
  readonly many: (name: string) => string[]
}

export interface Tag {
  readonly name: string
  readonly value: string
}

export function readQuery(body: string): Query {
  const parameters = new URLSearchParams(body)
  const one = (name: string) => parameters.get(name) ?? undefined
  return { action: one('Action') ?? '', one, many: (name) => [...members(one, name)] }
}

/** The envelope recipients of a sending call, in the order To, Cc, Bcc. */
export function recipientsOf(query: Query): string[] {
  const lists =
    query.action === 'SendRawEmail'
      ? ['Destinations']
      : ['Destination.ToAddresses', 'Destination.CcAddresses', 'Destination.BccAddresses']
  return lists.flatMap(query.many)
}

export function tagsOf(query: Query): Tag[] {
  const tags: Tag[] = []
  for (let n = 1; ; n++) {
    const name = query.one(`Tags.member.${n}.Name`)
    const value = query.one(`Tags.member.${n}.Value`)
    if (name === undefined && value === undefined) return tags
    tags.push({ name: name ?? '', value: value ?? '' })
  }
}

function* members(one: Query['one'], name: string): Generator<string> {
  for (let n = 1; ; n++) {
    const value = one(`${name}.member.${n}`)
    if (value === undefined) return
    yield value
  }
}
