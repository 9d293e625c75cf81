// Converts a framework's route pattern to OpenAPI's path template. Fastify, Express and Hono have similar patterns.

const LENGTH_MAX = 4_096

/** A path template, with the names of its parameters in order. */
export interface PathTemplate {
  readonly path: string
  readonly names: readonly string[]
}

/**
 * Converts a pattern: `/items/:id` becomes `/items/{id}`.
 *
 * `*` becomes `{wildcard}`, and `::` a colon. A template cannot express a check (`:id(^\\d+$)`) or an optional parameter
 * (`:id?`): both are dropped.
 */
export function pathTemplate(pattern: string): PathTemplate {
  const text = pattern.slice(0, LENGTH_MAX)
  const names: string[] = []
  const add = (name: string): string => {
    // A template names each parameter once (OpenAPI 3.1, Path Templating).
    let unique = name
    for (let count = 2; names.includes(unique); count += 1) unique = `${name}${count}`
    names.push(unique)
    return `{${unique}}`
  }
  let path = ''
  for (let at = 0; at < text.length; ) {
    const rest = text.slice(at)
    const [parameter, name = ''] = /^:([A-Za-z_]\w*)/.exec(rest) ?? []
    if (rest.startsWith('::')) {
      path += ':'
      at += 2
    } else if (parameter !== undefined) {
      path += add(name)
      at += parameter.length
      at += checkLength(text.slice(at))
      if (text[at] === '?') at += 1
    } else if (rest.startsWith('*')) {
      path += add('wildcard')
      at += 1
    } else {
      path += text[at]
      at += 1
    }
  }
  return { path: path.startsWith('/') ? path : `/${path}`, names }
}

/** A template without the names of its parameters. Templates that differ in names only are the same path. */
export function shapeOfPath(path: string): string {
  return path.replaceAll(/\{[^{}]*\}/g, '{}')
}

/** The length of an expression in parentheses at the start of a text, nested ones included; 0 without one. */
function checkLength(text: string): number {
  if (!text.startsWith('(')) return 0
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === '(') depth += 1
    else if (text[at] === ')') depth -= 1
    if (depth === 0) return at + 1
  }
  return text.length
}
