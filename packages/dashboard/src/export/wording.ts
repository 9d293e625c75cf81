// What a report says in the words of the page. The build makes one file of it, because the page is no part of the sources.
export { formatsOf } from '../../page/src/text/format.ts'
export { textFor } from '../../page/src/text/text-for.ts'
export type { Language } from '../../page/src/text/texts.ts'
export { TEXTS } from '../../page/src/text/texts.ts'
export { asOf, lastingOf, remarksOf, sentenceOf, signOf, whyOf } from '../../page/src/verdict/sentences.ts'
