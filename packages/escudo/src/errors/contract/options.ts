import { checkCode, checkLanguage, checkTexts } from '../catalogue/catalogue.ts'
import { ConfigurationError } from '../options/configuration-error.ts'
import { knownKeys } from '../options/known-keys.ts'
import { show } from '../options/show.ts'
import { read } from '../safe-read.ts'

const PATH = 'createErrorContract'

/**
 * Checks the options of a contract.
 *
 * @throws ConfigurationError for an invalid option, with its path
 */
export function checkContractOptions(options: object): void {
  knownKeys(options, PATH, ['service', 'errors', 'locale', 'messages', 'docsUrl', 'map', 'trustInbound'])
  const {
    service,
    errors,
    locale,
    messages = {},
    docsUrl,
    map = [],
    trustInbound,
  } = options as Readonly<Record<string, unknown>>
  const fail: (key: string, expected: string, value: unknown) => never = (key, expected, value) => {
    throw new ConfigurationError(`${PATH}.${key}`, `expected ${expected}, got ${show(value)}`)
  }
  if (typeof service !== 'string' || service === '' || service.length > 100) {
    fail('service', 'a name of 1 to 100 characters', service)
  }
  if (typeof errors !== 'object' || errors === null || Array.isArray(errors)) {
    fail('errors', 'a catalogue made by defineErrors', errors)
  }
  for (const [name, entry] of Object.entries(errors)) {
    if (typeof read(entry, 'definition') !== 'object') fail(`errors.${name}`, 'an entry made by defineErrors', entry)
  }
  if (locale !== undefined) checkLanguage(locale, `${PATH}.locale`)
  checkMessages(messages)
  if (docsUrl !== undefined && (typeof docsUrl !== 'string' || docsUrl === '')) fail('docsUrl', 'a URL', docsUrl)
  if (!Array.isArray(map)) fail('map', 'an array of functions', map)
  for (const [index, mapper] of map.entries()) {
    if (typeof mapper !== 'function') fail(`map[${index}]`, 'a function', mapper)
  }
  if (!['undefined', 'boolean', 'function'].includes(typeof trustInbound)) {
    fail('trustInbound', 'true, false or a function', trustInbound)
  }
}

function checkMessages(messages: unknown): void {
  const path = `${PATH}.messages`
  if (typeof messages !== 'object' || messages === null || Array.isArray(messages)) {
    throw new ConfigurationError(path, `expected texts by language and code, got ${show(messages)}`)
  }
  for (const [language, texts] of Object.entries(messages)) {
    checkLanguage(language, `${path}.${language}`)
    if (typeof texts !== 'object' || texts === null || Array.isArray(texts)) {
      throw new ConfigurationError(`${path}.${language}`, `expected texts by code, got ${show(texts)}`)
    }
    for (const [code, text] of Object.entries(texts)) {
      const at = `${path}.${language}.${code}`
      // Adapters have further codes, so that only their form can be checked.
      checkCode(code, at)
      checkTexts({ [language]: text }, at)
    }
  }
}
