export { AllLevers, LaneLevers } from './lane-levers.tsx'
export { LeversDialog } from './levers-dialog.tsx'
