import { type Command, type Given, misuse, type Output, refused } from '../command.ts'
import { givenValue, numberOf } from '../options.ts'
import type { PagesRead, ToRead } from './read-pages.ts'

const SECONDS_MAX = 600
const NAMES_MAX = 20

/** `escudo errors`: writes a page for each error code, or checks that the pages are current. */
export const errors: Command = {
  name: 'errors',
  summary: 'Write a page for each error code of a service.',
  options: [
    {
      name: 'module',
      value: 'FILE',
      required: true,
      repeatable: true,
      text: 'a module that exports the error contract, or a catalogue; may be given several times',
    },
    { name: 'out', value: 'DIR', required: true, text: 'the folder for the pages' },
    { name: 'format', value: 'FORMAT', text: 'markdown or html (default markdown)' },
    { name: 'without-library', text: "only the service's codes" },
    { name: 'check', text: 'write nothing, and fail if a page is missing, changed or of a code that is gone' },
    { name: 'timeout', value: 'SECONDS', text: 'the longest time to load the modules (default 10)' },
    { name: 'force', text: 'overwrite files that this command did not write' },
  ],
  details: `Pages of codes that are gone are removed; other files stay. The modules are loaded in a separate process. Without a
contract, the service has the name in the nearest package.json. Point the contract's docsUrl at the pages:
https://docs.example/errors/{code}.html
`,
  run,
}

async function run(given: Given, { out }: Output): Promise<void> {
  const limitMs = numberOf(given, 'timeout', { min: 0.1, max: SECONDS_MAX, default: 10 }) * 1_000
  const format = givenValue(given, 'format') ?? 'markdown'
  if (format !== 'markdown' && format !== 'html') {
    throw misuse(`--format takes markdown or html, got ${JSON.stringify(format)}`)
  }
  const folder = givenValue(given, 'out')
  if (folder === undefined) throw misuse('--out DIR is missing')
  if (given.has('check') && given.has('force')) throw misuse('--check writes nothing, so --force has no effect')
  const { service, pages } = await load(given.get('module') ?? [], format, !given.has('without-library'), limitMs)
  const { differencesIn, writePages } = await import('./pages.ts')
  if (!given.has('check')) {
    const removed = await writePages(folder, pages, given.has('force'))
    out(`${service}: wrote ${count(Object.keys(pages).length)} to ${folder}, removed ${count(removed.length)}\n`)
    return
  }
  const { missing, changed, stale } = await differencesIn(folder, pages)
  const found = { missing, changed, 'of a code that is gone': stale }
  const lines = Object.entries(found).flatMap(([what, names]) =>
    names.length === 0 ? [] : [`${what}: ${list(names)}`],
  )
  if (lines.length > 0) {
    throw refused(`the pages in ${folder} are not current. Run the command without --check\n${lines.join('\n')}`)
  }
  out(`${service}: ${count(Object.keys(pages).length)} in ${folder} are current\n`)
}

async function load(
  files: readonly string[],
  format: string,
  library: boolean,
  limitMs: number,
): Promise<{ readonly service: string; readonly pages: Readonly<Record<string, string>> }> {
  const { modulePaths, packageName, readInChild } = await import('../modules/child.ts')
  const paths = modulePaths(files)
  const toRead: ToRead = { files: paths, format, library, service: packageName(paths[0] as string) }
  // The sources are TypeScript, the build is not.
  const program = new URL(import.meta.url.endsWith('.ts') ? './read-pages.ts' : './read-pages.js', import.meta.url)
  const { pages, service } = await readInChild<PagesRead>(program, toRead, limitMs, files.join(', '))
  if (pages === undefined) {
    throw refused(
      `${files.join(', ')} exports no error contract and no catalogue. Name a module that exports the result of createErrorContract(…) or defineErrors(…)`,
    )
  }
  return { service, pages: Object.fromEntries(pages.map(({ name, text }) => [name, text])) }
}

function count(number: number): string {
  return `${number} page${number === 1 ? '' : 's'}`
}

function list(names: readonly string[]): string {
  const more = names.length - NAMES_MAX
  return [...names.slice(0, NAMES_MAX), ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}
