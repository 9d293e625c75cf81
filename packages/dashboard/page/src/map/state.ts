import { computed } from '@preact/signals'
import { language } from '../state/state.ts'
import { MAP_TEXTS } from './texts.ts'

/** The texts of the map in the language of the page. */
export const mt = computed(() => MAP_TEXTS[language.value])
