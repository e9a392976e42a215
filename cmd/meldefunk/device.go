package main

import (
	"github.com/spf13/cobra"
)

func deviceCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "device",
		Short: "Put devices into service and look after them",
		Long: `Everything about devices: what is in the inventory, where it hangs, what network servers
know of it, and its label. What only reads works beside a running platform. What changes
something is told to the running platform by the socket control.sock in the data
folder, or written into its database when it does not run; it stands in the audit trail
with the name of who did it.

A device is named by its DevEUI, by the number of the asset it hangs on, or by its serial
number.

Exit code 0: done, 1: it could not be done, 2: the command line or a file is wrong, 3: some
of it was done and some not, 4: no such device, asset or network server, 5: it contradicts
what is there, 6: the network server refused the key, 7: the network server does not answer.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(deviceListCommand(), deviceShowCommand(), deviceLabelCommand(), deviceScanCommand(), deviceVerifyCommand(),
		deviceAddCommand(), deviceSetCommand(), deviceImportCommand(), deviceExportCommand(), deviceKeyCommand(), deviceSyncCommand())
	c.AddCommand(deviceChangeCommands()...)
	return c
}
