/*
 * The name of a variable that stands for all of a section of an object's data, because the object
 * does not say what lies where in it: `section_data` is all of .data.
 */
#ifndef CLEAVE_SUPPORT_WHOLE_SECTION_H
#define CLEAVE_SUPPORT_WHOLE_SECTION_H

#define WHOLE_SECTION_PREFIX "section_"

#endif
