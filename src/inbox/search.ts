import type { Mail, Mails } from './mails.ts'
import { readMail } from './read-mail.ts'

/**
 * The newest mails that have every word of `query` in a recipient, the subject, the reference or a tag's value
 * (so also the stage), newest first; without words, all. `total` counts those beyond `limit` too.
 */
export async function searchMails(mails: Mails, query = '', limit: number): Promise<{ mails: Mail[]; total: number }> {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean)
  const newestFirst = mails.list().reverse()
  const found = words.length === 0 ? newestFirst : await filtered(newestFirst, words)
  return { mails: found.slice(0, limit), total: found.length }
}

async function filtered(mails: readonly Mail[], words: readonly string[]): Promise<Mail[]> {
  const found: Mail[] = []
  for (const mail of mails) {
    const { subject, reference } = await readMail(mail)
    const searched = [...mail.to, subject, reference ?? '', ...mail.tags.map((tag) => tag.value)]
      .join('\n')
      .toLowerCase()
    if (words.every((word) => searched.includes(word))) found.push(mail)
  }
  return found
}
