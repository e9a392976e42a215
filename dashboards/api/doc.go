// Package api answers programs: the JSON interface /api/v1 with its OpenAPI document, and the
// stream of what is new. It only reads. Every list is bounded and paged, every answer has a
// tag by which it need not be sent twice, and every error says what, where and what to do.
//
// It does not know how anything is stored, what a rule says, or how a visitor proves who he
// is.
package api
