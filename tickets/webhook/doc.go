// Package webhook hands cases to any system that takes a signed HTTP POST: one CloudEvents
// 1.0 message in JSON for each opening and closing, signed after the Standard Webhooks
// specification, with an idempotency key that stays the same however often it is sent.
//
// The receiver's answer must name the ref and its own number; a good status alone proves
// nothing. It does not know when to try again, what a rule is, or who wrote the words.
package webhook
