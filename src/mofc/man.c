/* The tables as the manual page cairn-cim(7). */
#include "mofc/mofc.h"

void
mofc_man(const struct cim_tables *tables, GString *text)
{
}
