/** What the reader has chosen to see; the whole of it is in the address, and every link carries the rest of it on. */
export interface Choice {
  readonly id: string | undefined
  readonly query: string
  readonly tab: Tab
  readonly width: Width
}

export const tabs = { html: 'HTML', text: 'Text', headers: 'Headers', raw: 'Raw', calls: 'Calls' } as const
export type Tab = keyof typeof tabs

/** Widths of the preview in CSS pixels: two phones, a reading pane, a desktop's; `full` is what there is. */
export const widths = ['320', '375', '600', '800', 'full'] as const
type Width = (typeof widths)[number]

export function chosen(query: Record<string, string>, id: string | undefined): Choice {
  return {
    id,
    query: query.q ?? '',
    tab: Object.hasOwn(tabs, query.tab ?? '') ? (query.tab as Tab) : 'html',
    width: widths.find((width) => width === query.width) ?? 'full',
  }
}

/** The address of this choice, with some of it changed. */
export function linkTo(choice: Choice, change: Partial<Choice>): string {
  const { id, query, tab, width } = { ...choice, ...change }
  const parameters = new URLSearchParams({
    ...(query === '' ? {} : { q: query }),
    ...(tab === 'html' ? {} : { tab }),
    ...(width === 'full' ? {} : { width }),
  })
  const path = id === undefined ? '/' : `/mails/${id}`
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`
}
