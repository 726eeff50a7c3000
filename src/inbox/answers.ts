const namespace = 'http://ses.amazonaws.com/doc/2010-12-01/'

/** An answer of the SES Query protocol. `code` is SES's error code, null for a good answer. */
export interface Answer {
  readonly status: number
  readonly code: string | null
  readonly xml: (requestId: string) => string
}

/** An XML element, ready to be written. */
export interface Element {
  readonly xml: string
}

/** A good answer of `action`; actions that return nothing have no `result`. */
export function answered(action: string, result?: readonly Element[]): Answer {
  const parts = result === undefined ? [] : [element(`${action}Result`, result)]
  return {
    status: 200,
    code: null,
    xml: (requestId) => {
      const metadata = element('ResponseMetadata', [element('RequestId', requestId)])
      return element(`${action}Response`, [...parts, metadata], ` xmlns="${namespace}"`).xml
    },
  }
}

/** A refusal in SES's error envelope; `more` are members that some errors carry beside their message. */
export function refused(code: string, message: string, more: readonly Element[] = [], status = 400): Answer {
  const type = element('Type', status < 500 ? 'Sender' : 'Receiver')
  const error = element('Error', [type, element('Code', code), element('Message', message), ...more])
  return {
    status,
    code,
    xml: (requestId) => element('ErrorResponse', [error, element('RequestId', requestId)], ` xmlns="${namespace}"`).xml,
  }
}

export function element(
  name: string,
  content: string | number | boolean | readonly Element[],
  attributes = '',
): Element {
  const inner = typeof content === 'object' ? content.map((child) => child.xml).join('') : escaped(String(content))
  return { xml: `<${name}${attributes}>${inner}</${name}>` }
}

/** A map as SES writes it: an `entry` of `key` and `value` for each. */
export function entries(keys: readonly string[], valueFor: (key: string) => readonly Element[]): Element[] {
  return keys.map((key) => element('entry', [element('key', key), element('value', valueFor(key))]))
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\r', '&#xD;')
}
