// From a framework's pattern to OpenAPI's template. Fastify, Express and Hono write parameters in much the same way.

const LENGTH_MAX = 4_096

/** A pattern as a template, with the names of its parameters in their order. */
export interface PathTemplate {
  readonly path: string
  readonly names: readonly string[]
}

/**
 * `/items/:id` as `/items/{id}`. What a framework checks of a parameter (`:id(^\\d+$)`), and that one is optional
 * (`:id?`), has no place in a template; `*` becomes `{wildcard}`, and `::` is a colon.
 */
export function pathTemplate(pattern: string): PathTemplate {
  const text = pattern.slice(0, LENGTH_MAX)
  const names: string[] = []
  const add = (name: string): string => {
    names.push(name)
    return `{${name}}`
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

/** How long the expression in parentheses is, with those inside of it; 0 where none begins. */
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
