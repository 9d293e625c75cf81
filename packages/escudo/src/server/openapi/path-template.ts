// Converts a framework's route pattern to OpenAPI's path template. The frameworks have similar patterns.

const LENGTH_MAX = 4_096

/** A path template, with the names of its parameters in order. */
export interface PathTemplate {
  readonly path: string
  readonly names: readonly string[]
}

/**
 * Converts a pattern: `/items/:id` becomes `/items/{id}`.
 *
 * `*` becomes `{wildcard}`, `*rest` (Express) `{rest}`, and `::` a colon; `{id}` stays. A template cannot express a check (`:id(^\\d+$)`,
 * in Hono `:id{\\d+}`) or an optional part (`:id?`, in Express `{/:id}`): checks and marks are dropped.
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
    const [template, templateName = ''] = /^\{([A-Za-z_][\w-]*)\}/.exec(rest) ?? []
    const [wildcard, wildcardName = ''] = /^\*([A-Za-z_]\w*)?/.exec(rest) ?? []
    if (rest.startsWith('::')) {
      path += ':'
      at += 2
    } else if (parameter !== undefined) {
      path += add(name)
      at += parameter.length
      at += checkLength(text.slice(at))
      if (text[at] === '?') at += 1
    } else if (template !== undefined) {
      path += add(templateName)
      at += template.length
    } else if (wildcard !== undefined) {
      path += add(wildcardName === '' ? 'wildcard' : wildcardName)
      at += wildcard.length
    } else if (rest.startsWith('{') || rest.startsWith('}')) {
      // Around an optional part.
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

/** Reads the template of a document. */
export function documentTemplate(path: string): PathTemplate {
  const names: string[] = []
  const text = path.replaceAll(/\{([^{}]*)\}/g, (_, name: string) => {
    // @fastify/swagger calls a wildcard `*`.
    names.push(name === '*' ? 'wildcard' : name)
    return `{${names.at(-1)}}`
  })
  return { path: text, names }
}

/** The length of a check in parentheses or braces at the start of a text, nested ones included; 0 without one. */
function checkLength(text: string): number {
  const open = text[0]
  // In Express, braces with a parameter inside are an optional part.
  if (open !== '(' && (open !== '{' || /^\{[^A-Za-z:]*:[A-Za-z_]/.test(text))) return 0
  const close = open === '(' ? ')' : '}'
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === '\\') at += 1
    else if (text[at] === open) depth += 1
    else if (text[at] === close) depth -= 1
    if (depth === 0) return at + 1
  }
  return text.length
}
