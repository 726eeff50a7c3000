import { readdirSync } from 'node:fs'
import { basename, extname, join } from 'node:path'
import type { Campaign } from '#core/campaign.ts'
import { ForewarnError } from '#core/errors.ts'
import { campaignOf, campaignSchema } from './campaign-schema.ts'
import { nearest } from './nearest.ts'
import { type Problem, problem, SettingsError } from './problem.ts'
import { schemaProblems } from './schema-problems.ts'
import { parseYaml, readText, valueAt, type YamlSource } from './yaml-source.ts'

/** A campaign and the file that says it. */
export interface CampaignFile {
  readonly campaign: Campaign
  /** absolute path */
  readonly file: string
  readonly text: string
}

/** All campaigns of a folder. A broken file does not hide the others. */
export interface LoadedCampaigns {
  /** In order of key. */
  readonly campaigns: readonly CampaignFile[]
  readonly problems: readonly Problem[]
}

const maxFiles = 1000

/** Reads every `.yaml` and `.yml` file of a folder. Never throws: what is wrong is in `problems`. */
export function loadCampaigns(folder: string): LoadedCampaigns {
  const { drafts, problems } = readFolder(folder)
  const campaigns = drafts.flatMap(({ campaign, file, text }) => (campaign ? [{ campaign, file, text }] : []))
  return {
    campaigns: campaigns.sort((a, b) => (a.campaign.key < b.campaign.key ? -1 : 1)),
    problems: [...problems, ...drafts.flatMap((draft) => draft.problems)],
  }
}

/**
 * One campaign of a folder, whatever is wrong with the others.
 * Throws `campaign-invalid` with all problems of its file, `campaign-unknown` when no file holds it.
 */
export function loadCampaign(folder: string, key: string): CampaignFile {
  const { drafts, problems } = readFolder(folder)
  const meant = drafts.filter((draft) => draft.key === key)
  const [draft] = meant.length > 0 ? meant : drafts.filter(({ file, campaign }) => nameOf(file) === key && !campaign)
  if (draft?.campaign) return { campaign: draft.campaign, file: draft.file, text: draft.text }
  if (draft) throw new SettingsError('campaign-invalid', draft.problems)
  if (problems.length > 0) throw new SettingsError('campaign-invalid', problems)

  const keys = drafts.flatMap((other) => other.key ?? [])
  const near = nearest(key, keys)
  const hint = near ? `Did you mean ${near}?` : `Campaigns in ${folder}: ${keys.join(', ') || 'none'}.`
  throw new ForewarnError('campaign-unknown', `No campaign is called ${key}.`, { hint })
}

/** Checks the text of a campaign file. `campaign` is null when there are problems. */
export function parseCampaign(text: string, file: string): { campaign: Campaign | null; problems: readonly Problem[] } {
  return checked(parseYaml(text, file))
}

interface Draft {
  readonly file: string
  readonly text: string
  /** As written, also in a file with problems. */
  readonly key: string | null
  readonly campaign: Campaign | null
  readonly problems: readonly Problem[]
}

function readFolder(folder: string): { drafts: Draft[]; problems: Problem[] } {
  const fault = (expected: string, reason?: string) => [problem({ path: '', where: folder, expected, reason })]
  let names: string[]
  try {
    // Kubernetes mounts each file as a link into a hidden folder.
    names = readdirSync(folder).filter((name) => !name.startsWith('.') && /^\.ya?ml$/.test(extname(name)))
  } catch (error) {
    return { drafts: [], problems: fault('a folder of campaign files', reasonOf(error)) }
  }
  if (names.length > maxFiles) return { drafts: [], problems: fault(`at most ${maxFiles} campaign files`) }
  return { drafts: withoutTwins(names.sort().map((name) => readDraft(join(folder, name)))), problems: [] }
}

function readDraft(file: string): Draft {
  try {
    const text = readText(file)
    const source = parseYaml(text, file)
    const key = valueAt(source.value, ['key'])
    return { file, text, key: typeof key === 'string' ? key : null, ...checked(source) }
  } catch (error) {
    const fault = problem({ path: '', where: file, expected: 'a readable campaign file', reason: reasonOf(error) })
    return { file, text: '', key: null, campaign: null, problems: [fault] }
  }
}

/** Of two files with one key neither counts: which one is meant, nobody knows. */
function withoutTwins(drafts: readonly Draft[]): Draft[] {
  return drafts.map((draft) => {
    const twins = drafts.filter((other) => other !== draft && draft.key !== null && other.key === draft.key)
    if (twins.length === 0) return draft
    const reason = `so does ${twins.map(({ file }) => file).join(', ')}`
    const where = parseYaml(draft.text, draft.file).locate(['key'])
    const fault = problem({ path: 'key', where, expected: 'a key that no other file has', found: draft.key, reason })
    return { ...draft, campaign: null, problems: [...draft.problems, fault] }
  })
}

function checked(source: YamlSource): { campaign: Campaign | null; problems: readonly Problem[] } {
  if (source.value === undefined) return { campaign: null, problems: source.problems }
  const parsed = campaignSchema.safeParse(source.value)
  const wrong = parsed.success ? [] : schemaProblems(parsed.error, campaignSchema, source.value, source.locate)
  const problems = [...source.problems, ...wrong]
  return { campaign: parsed.success && problems.length === 0 ? campaignOf(parsed.data) : null, problems }
}

function nameOf(file: string): string {
  return basename(file, extname(file))
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
