/* Instances that travel as text in string parameters and properties: CIM DTD 2.0 and WMI DTD 2.0
 * XML, MI's XML, WS-CIM elements, MOF; and classes as text (EmbeddedObject). */
#pragma once

#include "cim/instance.h"
#include "cim/schema.h"
#include "wire/xml.h"

#include <glib.h>

/* Accepts a prolog, <CIM><DECLARATION> around it, system properties (__PATH ...), qualifiers,
 * capitals, missing types, VALUE.NULL, MOF text, UTF-16 read as UTF-8 text. Unknown properties are
 * ignored. Errors: CIM_ERR_INVALID_CLASS when the class is not in @ns, CIM_ERR_TYPE_MISMATCH for a
 * value that does not fit, CIM_ERR_INVALID_PARAMETER for text that is none of these. */
struct cim_instance *embedded_parse(const struct cim_schema *schema, enum cim_namespace_id ns,
				    const char *text, GError **error);
/* CIM-XML <INSTANCE>...</INSTANCE>, as Hyper-V answers it: every property, NULL ones too, with end
 * tags; appended to @text unescaped. */
void embedded_print(const struct cim_instance *instance, GString *text);
