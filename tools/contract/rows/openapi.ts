import { including } from '../matching/pattern.ts'
import { ok } from '../walk/expectation.ts'
import { type Row, scenario } from '../walk/row.ts'
import { get } from '../wire/request.ts'

// The API pages. They may be missing (pending), but if they exist, they must be correct.

type Json = Readonly<Record<string, unknown>>

/** Error codes of some routes, from the table of the contract. */
const CODES_OF: readonly (readonly [string, string])[] = [
  ['/items/{id}', 'ITEM_NOT_FOUND'],
  ['/users', 'EMAIL_ALREADY_EXISTS'],
  ['/orders', 'STOCK_INSUFICIENTE'],
  ['/call-external', 'CIRCUIT_OPEN'],
  ['/product-details/{id}', 'PRODUCT_NOT_FOUND'],
]
const REFERENCES_MAX = 500

export const openapi: readonly Row[] = [
  scenario('docs', 'GET /docs serves the interactive API page', async (walk) => {
    const answer = await walk.send(get('/docs'))
    if (answer.status === 404) walk.pending('GET /docs does not exist yet')
    // It may redirect to /docs/.
    const shown = { status: 200, headers: { 'content-type': /^text\/html/ }, shown: '200 HTML' }
    const { location } = answer.headers
    if (answer.status >= 300 && answer.status < 400 && location?.startsWith('/')) await walk.ask(get(location), shown)
    else walk.judge(get('/docs'), answer, shown)
  }),
  scenario('docs', 'GET /openapi.json is OpenAPI 3.1 and lists the errors of every route by code', async (walk) => {
    const asked = get('/openapi.json')
    const answer = await walk.send(asked)
    if (answer.status === 404) walk.pending('GET /openapi.json does not exist yet')
    walk.judge(asked, answer, ok(including({ openapi: /^3\.1\./, paths: including({}) }), { shown: '200 OpenAPI 3.1' }))
    const document = (answer.json ?? {}) as Json
    const paths = (document['paths'] ?? {}) as Json
    for (const [path, code] of CODES_OF) {
      walk.compare(`${path} lists ${code}`, true, withReferences(document, paths[path]).includes(`"${code}"`))
    }
    const withoutErrors = Object.keys(paths).filter(
      (path) => !/"(?:[45]\d\d|default)":/.test(JSON.stringify(paths[path])),
    )
    walk.compare('routes without any error', [], withoutErrors)
  }),
]

/** Returns a part of the document as JSON, with all components that it refers to directly or indirectly. */
function withReferences(document: Json, part: unknown): string {
  const texts: string[] = []
  const seen = new Set<string>()
  const queue: unknown[] = [part]
  while (queue.length > 0 && seen.size < REFERENCES_MAX) {
    const text = JSON.stringify(queue.shift()) ?? ''
    texts.push(text)
    for (const [, pointer = ''] of text.matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      if (seen.has(pointer)) continue
      seen.add(pointer)
      queue.push(at(document, pointer))
    }
  }
  return texts.join('\n')
}

function at(document: Json, pointer: string): unknown {
  return pointer.split('/').reduce<unknown>((value, key) => {
    const name = key.replaceAll('~1', '/').replaceAll('~0', '~')
    return typeof value === 'object' && value !== null && Object.hasOwn(value, name) ? (value as Json)[name] : undefined
  }, document)
}
