// What looks back at a class, loaded when somebody does.

export { default as FilmBar } from './FilmBar.svelte'
export { Player } from './player.svelte'
