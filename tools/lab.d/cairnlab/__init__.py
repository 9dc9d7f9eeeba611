"""The lab: real guests under a libvirtd of its own, without systemd and without KVM.

Only the standard library and the programs of packaging/deps.debian are used."""
