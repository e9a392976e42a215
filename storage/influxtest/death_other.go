//go:build !linux

package influxtest

import "syscall"

// dieWithTest: only Linux can end a child with its parent.
func dieWithTest() *syscall.SysProcAttr { return nil }
