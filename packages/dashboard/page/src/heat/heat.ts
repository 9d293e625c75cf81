export { default as style } from './heat.css?inline'
export { HeatView } from './heat-view.tsx'
