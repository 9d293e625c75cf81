import type { Finding } from './finding.ts'
import type { SourceFile } from './source-file.ts'

// Expressions that make readers stop, with what to write in their place. The list is short on purpose: it catches the
// habit, and a reviewer catches the rest.
const BANNED: readonly { readonly pattern: RegExp; readonly instead: string }[] = [
  { pattern: /\b(whoever|nobody|somebody|anybody|everybody)\b/i, instead: 'name the caller, the listener, the policy' },
  {
    pattern:
      /\b(one|those|others?|all|calls?|callers?|polic(y|ies)|operations?|listeners?|waiters?|watchers?|keys?) who\b/i,
    instead: '"that", or a sentence with a subject of its kind; "who" is for people',
  },
  { pattern: /\b(he|him|his|himself)\b/i, instead: '"its", or "the caller"' },
  { pattern: /\bof (its|your|their|our|my|somebody's|one's) own\b/i, instead: '"custom", "separate", or "its own X"' },
  { pattern: /\bstands\b|\bstand(ing)? (in|on|for|beside|inside|outside|around|between)\b/i, instead: '"is"' },
  { pattern: /\bmend(s|ed|ing)?\b/i, instead: '"fix"' },
  { pattern: /\bfor ever\b/i, instead: '"forever", or "never ends"' },
  { pattern: /\bdeaf\b/i, instead: '"ignores its signal"' },
  { pattern: /\b(the|no|a) leave\b|\b(gives?|takes?|for) leave\b/i, instead: '"permit"' },
  { pattern: /\bat work\b/i, instead: '"running"' },
  { pattern: /\bthe like\b/i, instead: 'name the other cases' },
  { pattern: /\b(in|out)side of\b/i, instead: '"inside", "outside"' },
  { pattern: /\bwhat becomes of\b|\bso many [a-z]+ at\b/i, instead: 'the standard term' },
]

// The rule and its test quote what they ban; the Spanish README has Spanish words of the same spelling.
const EXEMPT = /^tools\/tidy\/(test\/)?banned-words|^README\.es\.md$|^package-lock\.json$|^LICENSE$/

/** Finds banned expressions. */
export function bannedWords(files: readonly SourceFile[]): Finding[] {
  return files
    .filter(({ path }) => !EXEMPT.test(path))
    .flatMap(({ path, text }) =>
      text.split('\n').flatMap((line, index) =>
        BANNED.flatMap(({ pattern, instead }) => {
          const word = pattern.exec(line)?.[0]
          return word === undefined ? [] : [{ file: path, line: index + 1, problem: `'${word}': write ${instead}` }]
        }),
      ),
    )
}
