package influxtest

import "syscall"

// dieWithTest has the kernel end influxd when the test binary dies, however it dies.
func dieWithTest() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
