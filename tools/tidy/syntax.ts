import { parseAst } from 'vitest/node'
import type { SourceFile } from './source-file.ts'

// Uses the parser of the test runner. A regular expression would also match imports in comments and in fixtures.

/** A node of the syntax tree, in the ESTree format. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

const programs = new WeakMap<SourceFile, SyntaxNode>()

/**
 * Returns the syntax tree of a TypeScript file. Each file is parsed once for all rules.
 *
 * @throws Error with the file's path, and the parser's error as its cause, if the file cannot be parsed
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

/** Yields a node and all its descendants. */
export function* walk(node: SyntaxNode): Generator<SyntaxNode> {
  yield node
  for (const value of Object.values(node)) {
    if (Array.isArray(value)) for (const child of nodes(value)) yield* walk(child)
    else if (isNode(value)) yield* walk(value)
  }
}

/** Returns the nodes in a list; empty if the value is not a list. */
export function nodes(value: unknown): readonly SyntaxNode[] {
  return Array.isArray(value) ? value.filter(isNode) : []
}

/** Whether a value is a node. */
export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
}

/** Returns the text of a string literal, also behind `as` or `satisfies`; otherwise undefined. */
export function stringOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined
  if (value.type === 'Literal') return typeof value['value'] === 'string' ? value['value'] : undefined
  if (value.type === 'TSLiteralType') return stringOf(value['literal'])
  if (value.type === 'TSAsExpression' || value.type === 'TSSatisfiesExpression') return stringOf(value['expression'])
  return undefined
}

/** Returns the name of an identifier or a quoted key; undefined for a private name. */
export function nameOf(value: unknown): string | undefined {
  if (!isNode(value)) return undefined
  return value.type === 'Identifier' ? (value['name'] as string) : stringOf(value)
}
