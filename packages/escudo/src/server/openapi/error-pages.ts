import { ConfigurationError } from '../../core/options/configuration-error.ts'
import { show } from '../../core/options/durations.ts'
import { knownKeys } from '../../core/options/options.ts'
import type { AnyErrorClass } from '../../errors/catalogue/definition.ts'
import { WellKnown } from '../../errors/catalogue/well-known.ts'
import type { ErrorContract } from '../../errors/contract/contract.ts'
import { phraseOf } from '../../errors/status.ts'
import { AdminErrors } from '../admin/errors.ts'
import { checkContract } from '../contract-option.ts'
import { adviceFor } from './error-advice.ts'
import type { ErrorPage, PageEntry } from './error-page.ts'
import { htmlIndex, htmlPage } from './error-page-html.ts'
import { markdownIndex, markdownPage } from './error-page-markdown.ts'
import { type ListedError, listedError } from './listed-error.ts'

/** Options of {@link errorPages}. */
export interface ErrorPagesOptions {
  /** The service's error contract. It renders each example. */
  readonly contract: ErrorContract
  /** The form of the pages. Default `markdown`. */
  readonly format?: 'markdown' | 'html'
  /** Whether the library's own codes get a page too. Default true, because a service answers with them. */
  readonly library?: boolean
}

/** A page of {@link errorPages}, to be written to a file. */
export interface GeneratedPage {
  /**
   * The name of the file: `ITEM_NOT_FOUND.md`, and `README.md` for the list; or `….html` and `index.html`. The list is
   * called `all-codes` if it would have the name of a code.
   */
  readonly name: string
  readonly text: string
}

const PATH = 'errorPages'

/**
 * Makes the pages that explain a service's errors: one for each code, and a list of them.
 *
 * A page shows status, kind, `Retry-After`, what a client should do, the message in each language, the schema of the
 * context, and the body in both forms. The texts are in English, the messages in their languages. The same catalogue
 * gives the same pages. Point the contract's `docsUrl` at them: `https://docs.example/errors/{code}`.
 *
 * @returns the pages, the list first. The command `escudo errors` writes them to files
 * @throws ConfigurationError for an invalid option
 * @example
 * ```ts
 * import { createErrorContract, defineErrors } from 'escudo/errors'
 * import { errorPages } from 'escudo/openapi'
 *
 * const Errors = defineErrors({ SOLD_OUT: { status: 409, message: { es: 'Agotado.', en: 'Sold out.' } } })
 * const contract = createErrorContract({ service: 'potion-shop', errors: Errors })
 * console.log(errorPages({ contract, library: false }).map(({ name }) => name)) // [ 'README.md', 'SOLD_OUT.md' ]
 * ```
 */
export function errorPages(options: ErrorPagesOptions): readonly GeneratedPage[] {
  knownKeys(options, PATH, ['contract', 'format', 'library'])
  const { contract, format = 'markdown', library = true } = options
  checkContract(contract, `${PATH}.contract`)
  if (format !== 'markdown' && format !== 'html') {
    throw new ConfigurationError(`${PATH}.format`, `expected 'markdown' or 'html', got ${show(format)}`)
  }
  if (typeof library !== 'boolean') {
    throw new ConfigurationError(`${PATH}.library`, `expected true or false, got ${show(library)}`)
  }
  const pages = pagesOf(contract, library)
  if (format === 'html') {
    const list = `${listName('index', pages)}.html`
    return [
      { name: list, text: htmlIndex(contract, pages) },
      ...pages.map((page) => ({ name: `${page.code}.html`, text: htmlPage(contract, page, list) })),
    ]
  }
  return [
    { name: `${listName('README', pages)}.md`, text: markdownIndex(contract, pages) },
    ...pages.map((page) => ({ name: `${page.code}.md`, text: markdownPage(page) })),
  ]
}

/** The name of the list, unless a code has it. Many file systems know no case. No code has a hyphen. */
function listName(wanted: string, pages: readonly ErrorPage[]): string {
  return pages.some(({ code }) => code === wanted.toUpperCase()) ? 'all-codes' : wanted
}

function pagesOf(contract: ErrorContract, library: boolean): readonly ErrorPage[] {
  const own = Object.keys(contract.errors)
  const ownCodes = new Set(Object.values(contract.errors).map(({ code }) => code))
  const others = Object.entries<AnyErrorClass>({ ...WellKnown, ...AdminErrors })
    // An entry of the service replaces that of the library.
    .filter(([name, { code }]) => library && !own.includes(name) && !ownCodes.has(code))
    .map(([name]) => name)
  const byCode = new Map<string, ListedError[]>()
  for (const name of [...own, ...others]) {
    const error = listedError(contract, name, PATH)
    byCode.set(error.code, [...(byCode.get(error.code) ?? []), error])
  }
  const codes = [...byCode.keys()].sort()
  return codes.map((code) => pageOf(contract, code, byCode.get(code) as [ListedError]))
}

function pageOf(contract: ErrorContract, code: string, errors: readonly [ListedError, ...ListedError[]]): ErrorPage {
  const [first] = errors
  const statuses = [...new Set(errors.map(({ status }) => status))]
  return {
    code,
    service: contract.service,
    statuses: statuses.map((status) => `${status} ${phraseOf(status)}`),
    kind: first.kind === 'business' ? 'business: the client can act' : 'technical: the service is at fault',
    retryAfter: statuses.some((status) => status === 429 || status === 503)
      ? 'in whole seconds, if the service knows when to retry'
      : 'not sent',
    advice: adviceFor(first),
    entries: errors.map((error) => entryOf(contract, error)),
  }
}

function entryOf(contract: ErrorContract, error: ListedError): PageEntry {
  const { name, context, examples, problem } = error
  const { $schema: _, ...schema } = context ?? {}
  const own = Object.hasOwn(contract.errors, name) ? contract.errors[name]?.definition.message : undefined
  const rendered = examples.map(({ locale, body }) => ({ locale, text: body.message }))
  const templates =
    typeof own === 'object'
      ? Object.entries(own).map(([locale, text]) => ({ locale, text }))
      : [{ locale: contract.locale, text: own ?? '' }]
  return {
    name,
    messages: own === undefined ? rendered : templates,
    context: context && schema,
    body: examples[0]?.body,
    problem,
  }
}
