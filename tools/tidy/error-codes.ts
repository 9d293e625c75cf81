import type { Finding } from './finding.ts'
import { lineOf, type SourceFile } from './source-file.ts'
import { isNode, nameOf, nodes, programOf, type SyntaxNode, stringOf, walk } from './syntax.ts'

/** An error code and its position. */
export interface CodeLocation {
  readonly code: string
  readonly file: string
  readonly line: number
  /** Its HTTP status, if it is written next to the code. */
  readonly status?: number
}

const CODE = /^[A-Z][A-Z0-9_]+[A-Z0-9]$/

/**
 * Finds the error codes that sources define.
 *
 * There are three forms: the `code = '…'` of a class; an object with `code: '…'` and a `status`; an entry of a
 * catalogue, which is a key in capitals whose value has a `status`. If that value has a `code`, the key does not count.
 */
export function codesIn(files: readonly SourceFile[]): readonly CodeLocation[] {
  return files.flatMap((file) => {
    const found: CodeLocation[] = []
    for (const node of walk(programOf(file))) {
      const code = codeOfClass(node) ?? codeOfObject(node) ?? codeOfEntry(node)
      if (code === undefined || !CODE.test(code)) continue
      found.push({ code, file: file.path, line: lineOf(file, node.start), ...statusOf(node) })
    }
    return found
  })
}

function codeOfClass(node: SyntaxNode): string | undefined {
  if (node.type !== 'PropertyDefinition' || nameOf(node['key']) !== 'code') return undefined
  return stringOf(node['value']) ?? stringOf((node['typeAnnotation'] as SyntaxNode | null)?.['typeAnnotation'])
}

function codeOfObject(node: SyntaxNode): string | undefined {
  return node.type === 'ObjectExpression' && property(node, 'status') !== undefined
    ? stringOf(property(node, 'code'))
    : undefined
}

function codeOfEntry(node: SyntaxNode): string | undefined {
  if (node.type !== 'Property' || node['computed'] === true) return undefined
  const value = unwrapped(node['value'])
  if (value === undefined || property(value, 'status') === undefined) return undefined
  return property(value, 'code') === undefined ? nameOf(node['key']) : undefined
}

function statusOf(node: SyntaxNode): { readonly status?: number } {
  const object = node.type === 'Property' ? unwrapped(node['value']) : node
  const literal = object === undefined ? undefined : property(object, 'status')
  const status = isNode(literal) ? literal['value'] : undefined
  return typeof status === 'number' ? { status } : {}
}

/** Returns the object literal of an expression, also behind `as` or `satisfies`. */
function unwrapped(value: unknown): SyntaxNode | undefined {
  if (!isNode(value)) return undefined
  if (value.type === 'ObjectExpression') return value
  if (value.type === 'TSAsExpression' || value.type === 'TSSatisfiesExpression') return unwrapped(value['expression'])
  return undefined
}

function property(object: SyntaxNode, key: string): unknown {
  return nodes(object['properties']).find((one) => nameOf(one['key']) === key)?.['value']
}

/** Finds the codes that a document lists: table rows whose first cell is a code, optionally followed by its status. */
export function codesListedIn(file: SourceFile): readonly CodeLocation[] {
  return file.text.split('\n').flatMap((text, index) => {
    const [, code, status] = /^\|\s*`([A-Z][A-Z0-9_]+)`\s*\|(?:\s*(\d{3})\s*\|)?/.exec(text) ?? []
    if (code === undefined) return []
    return [{ code, file: file.path, line: index + 1, ...(status === undefined ? {} : { status: Number(status) }) }]
  })
}

/**
 * Compares the error codes of the sources with those of the document.
 *
 * Reports a code that the document lacks, that no source defines, or that the document lists twice, and a status that no
 * source gives its code.
 */
export function mismatchedCodes(sources: readonly SourceFile[], document: SourceFile): Finding[] {
  const defined = codesIn(sources)
  const listed = codesListedIn(document)
  const statuses = new Map<string, Set<number | undefined>>()
  for (const { code, status } of defined) statuses.set(code, (statuses.get(code) ?? new Set()).add(status))
  const reported = new Set<string>()
  const findings: Finding[] = []
  for (const { code, file, line, status } of listed) {
    const known = statuses.get(code)
    if (known === undefined) findings.push({ file, line, problem: `no source defines the error code ${code}` })
    else if (status !== undefined && !known.has(status)) {
      findings.push({ file, line, problem: `no source gives ${code} the status ${status}` })
    }
    if (reported.has(code)) findings.push({ file, line, problem: `${code} is listed twice` })
    reported.add(code)
  }
  for (const { code, file, line } of defined) {
    if (reported.has(code)) continue
    reported.add(code)
    findings.push({ file, line, problem: `the error code ${code} is missing from ${document.path}` })
  }
  return findings
}
