import { parseAst } from 'vitest/node'
import type { SourceFile } from './source-file.ts'

// The parser is the one that runs the tests. A pattern over lines would take an import in a comment or in a test's
// fixture for one.

/** A node of the syntax tree, in ESTree's words. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

const programs = new WeakMap<SourceFile, SyntaxNode>()

/**
 * The syntax tree of a TypeScript file; parsed once for all rules.
 *
 * @throws the parser's error, with the file's path, for what is no TypeScript
 */
export function programOf(file: SourceFile): SyntaxNode {
  let program = programs.get(file)
  if (program === undefined) {
    program = parse(file)
    programs.set(file, program)
  }
  return program
}

function parse(file: SourceFile): SyntaxNode {
  try {
    return parseAst(file.text, { lang: 'ts' }) as unknown as SyntaxNode
  } catch (error) {
    throw new Error(`${file.path} cannot be parsed`, { cause: error })
  }
}

/** The statements of the file, outermost level only. */
export function statementsOf(file: SourceFile): readonly SyntaxNode[] {
  return nodes(programOf(file)['body'])
}

/** A node and everything below it. */
export function* walk(node: SyntaxNode): Generator<SyntaxNode> {
  yield node
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) for (const child of nodes(value)) yield* walk(child)
    else if (isNode(value)) yield* walk(value)
  }
}

/** The nodes in a list; where there is no list, none. */
export function nodes(value: unknown): readonly SyntaxNode[] {
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** Whether something is a node. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}

/** The text of a string literal, also behind `as const` and the like; undefined for anything else. */
export function stringOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined
  if (value.type === 'Literal') return typeof value['value'] === 'string' ? value['value'] : undefined
  if (value.type === 'TSLiteralType') return stringOf(value['literal'])
  if (value.type === 'TSAsExpression' || value.type === 'TSSatisfiesExpression') return stringOf(value['expression'])
  return undefined
}

/** The name of an identifier, a private one excluded, or of a quoted key. */
export function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined
  return value.type === 'Identifier' ? (value['name'] as string) : stringOf(value)
}
