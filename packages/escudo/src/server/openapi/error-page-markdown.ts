import type { ErrorContract } from '../../errors/contract/contract.ts'
import { type ErrorPage, GENERATED_PAGE, type PageEntry } from './error-page.ts'

/** The page of a code in Markdown. */
export function markdownPage(page: ErrorPage): string {
  const { code, statuses, kind, retryAfter, advice, entries } = page
  const several = entries.length > 1
  return `${comment()}
# ${code}

| | |
| --- | --- |
| status | ${statuses.join(', ')} |
| kind | ${kind} |
| \`Retry-After\` | ${retryAfter} |

## What to do

${advice}
${entries.map((entry) => entryText(entry, several)).join('')}`
}

/** The list of all codes in Markdown. */
export function markdownIndex({ service }: ErrorContract, pages: readonly ErrorPage[]): string {
  const rows = pages.map(
    ({ code, statuses, kind, entries }) =>
      `| [${code}](${code}.md) | ${statuses.join(', ')} | ${kind.split(':')[0]} | ${inLine(first(entries))} |\n`,
  )
  return `${comment()}
# Errors of ${inLine(service)}

| code | status | kind | message |
| --- | --- | --- | --- |
${rows.join('')}`
}

function comment(): string {
  return `<!-- ${GENERATED_PAGE} -->\n`
}

function first(entries: readonly PageEntry[]): string {
  return entries[0]?.messages[0]?.text ?? ''
}

function entryText({ name, messages, context, body, problem }: PageEntry, several: boolean): string {
  const heading = several ? `\n## ${name}\n` : ''
  const level = several ? '###' : '##'
  const of = several ? ` of ${name}` : ''
  const rows = messages.map(({ locale, text }) => `| ${inLine(locale)} | ${inLine(text)} |\n`)
  return `${heading}
${level} Message${of}

| language | message |
| --- | --- |
${rows.join('')}
${level} Context${of}

${context === undefined ? 'Always empty.' : `The JSON Schema of \`context\`:\n\n${code(context)}`}

${level} Example${of}

As \`application/json\`:

${code(body)}

As \`application/problem+json\`:

${code(problem)}
`
}

/** A block of code. No line of JSON begins with a backtick, so none can end the block. */
function code(value: unknown): string {
  return `\`\`\`json\n${JSON.stringify(value, undefined, 2)}\n\`\`\``
}

/** Text of a catalogue as one line of a table: nothing in it is Markdown or HTML. */
function inLine(text: string): string {
  return (
    text
      .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
      .replaceAll(/\p{Cf}/gu, '')
      .replaceAll(/[\\`*_[\]|~#$@]/g, '\\$&')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      // GitHub makes links of these.
      .replaceAll('://', '&#58;//')
      .replaceAll(/www\./gi, (found) => `${found.slice(0, 3)}&#46;`)
      .trim()
  )
}
