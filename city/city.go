// Package city holds the nouns of the platform: EUI, Device, Asset, Uplink, Reading,
// Quantity, Verdict, Case. Every other package speaks with these words, so they are
// written down once and depend on nothing but the standard library.
//
// It does not know where uplinks come from, how payloads are decoded, where readings
// are kept, or what a rule looks like.
package city
