import type { SourceFile } from '../tidy/source-file.ts'
import { programOf, type SyntaxNode } from '../tidy/syntax.ts'

/**
 * Returns the test titles of a file, prefixed with the titles of their groups: `a breaker > opens`.
 *
 * Titles of tables are returned unformatted, with their `%s` and `$name`.
 */
export function testTitles(file: SourceFile): readonly string[] {
  const titles: string[] = []
  visit(programOf(file), '', titles)
  return titles
}

const TESTS: ReadonlySet<string> = new Set(['test', 'it'])

function visit(node: SyntaxNode, group: string, titles: string[]): void {
  let inside = group
  if (node.type === 'CallExpression') {
    const callee = rootOf(node['callee'] as SyntaxNode)
    const title = textOf((node['arguments'] as readonly SyntaxNode[])[0])
    if (title !== undefined && callee === 'describe') inside = `${group}${title} > `
    if (title !== undefined && TESTS.has(callee ?? '')) titles.push(group + title)
  }
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof (child as SyntaxNode | null)?.type === 'string') visit(child as SyntaxNode, inside, titles)
    }
  }
}

/** Returns `test` for `test`, `test.each(…)` and `test.skipIf(…)`. */
function rootOf(node: SyntaxNode): string | undefined {
  if (node.type === 'Identifier') return node['name'] as string
  if (node.type === 'CallExpression') return rootOf(node['callee'] as SyntaxNode)
  return node.type === 'MemberExpression' ? rootOf(node['object'] as SyntaxNode) : undefined
}

/** Returns the text of a literal; in a template, `…` replaces each expression. */
function textOf(node: SyntaxNode | undefined): string | undefined {
  if (node?.type === 'Literal' && typeof node['value'] === 'string') return node['value']
  if (node?.type !== 'TemplateLiteral') return undefined
  const parts = node['quasis'] as readonly { readonly value: { readonly cooked: string } }[]
  return parts.map(({ value }) => value.cooked).join('…')
}
