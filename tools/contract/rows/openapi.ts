import { including } from '../matching/pattern.ts'
import { ok } from '../walk/expectation.ts'
import { type Row, scenario } from '../walk/row.ts'
import { get } from '../wire/request.ts'

// The pages of the API: pending until they exist, and then they must be true.

type Json = Readonly<Record<string, unknown>>

/** Codes that these routes are known to answer with, from the contract's own table. */
const CODES_OF: readonly (readonly [string, string])[] = [
  ['/items/{id}', 'ITEM_NOT_FOUND'],
  ['/users', 'EMAIL_ALREADY_EXISTS'],
  ['/orders', 'STOCK_INSUFICIENTE'],
  ['/call-external', 'CIRCUIT_OPEN'],
  ['/product-details/{id}', 'PRODUCT_NOT_FOUND'],
]
const REFERENCES_MAX = 500

export const openapi: readonly Row[] = [
  scenario('docs', 'the interactive API page', async (walk) => {
    const answer = await walk.send(get('/docs'))
    if (answer.status === 404) walk.pending('GET /docs does not exist yet')
    // It may lead on to /docs/.
    const shown = { status: 200, headers: { 'content-type': /^text\/html/ }, shown: '200 HTML' }
    const { location } = answer.headers
    if (answer.status >= 300 && answer.status < 400 && location?.startsWith('/')) await walk.ask(get(location), shown)
    else walk.judge(get('/docs'), answer, shown)
  }),
  scenario('docs', 'an OpenAPI 3.1 document in which every route lists its errors, by code', async (walk) => {
    const asked = get('/openapi.json')
    const answer = await walk.send(asked)
    if (answer.status === 404) walk.pending('GET /openapi.json does not exist yet')
    walk.judge(asked, answer, ok(including({ openapi: /^3\.1\./, paths: including({}) }), { shown: '200 OpenAPI 3.1' }))
    const document = (answer.json ?? {}) as Json
    const paths = (document['paths'] ?? {}) as Json
    for (const [path, code] of CODES_OF) {
      walk.compare(`${path} tells of ${code}`, true, withReferences(document, paths[path]).includes(`"${code}"`))
    }
    const silent = Object.keys(paths).filter((path) => !/"(?:[45]\d\d|default)":/.test(JSON.stringify(paths[path])))
    walk.compare('routes without any error', [], silent)
  }),
]

/** A part of the document as JSON, followed by every component that it refers to, near or far. */
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
